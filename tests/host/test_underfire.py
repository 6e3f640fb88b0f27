# SPDX-License-Identifier: MIT
"""Under fire: what counts as covered, and that nothing is left out of the table without a word."""
import unittest
from collections import namedtuple

from underfire import coverage, machine_checks
from underfire.boots import Sweep

Traced = namedtuple("Traced", "paths")
PATHS = {"call": {0, 1}, "syscall_migrate_in": {1, 2}, "nmi_entry": {3}}
EXEMPT = {("nmi_entry", "nmi")}


class Text:
    """Five instructions, of which the last is excused for NMIs."""
    place = {o: f"entry.step+{o:x}" for o in range(5)}

    @staticmethod
    def excused(kind, _table):
        return {4: "masked"} if kind == "nmi" else {}


def table(seen):
    return coverage.table(Text, Sweep(seen), Traced(PATHS), by_rule=[], exempt=EXEMPT)


class Coverage(unittest.TestCase):
    def test_all_that_was_traced_is_wanted(self):
        rows, missing = table({"call": {"nmi": {0: 1}}, "syscall_migrate_in": {"nmi": {1: 1, 2: 1}}})
        self.assertEqual(rows["call"]["nmi"], [1, 2])
        self.assertEqual(rows["syscall_migrate_in"]["nmi"], [2, 2])
        self.assertEqual(rows["entry_text"]["nmi"], [3, 4])
        self.assertEqual(missing["nmi"], [Text.place[3]])

    def test_a_path_that_was_not_swept_is_not_covered(self):
        rows, _ = table({"call": {"nmi": {0: 1, 1: 1}}})
        self.assertEqual(rows["syscall_migrate_in"]["nmi"], [0, 2])

    def test_only_an_exempt_path_has_no_row(self):
        rows, _ = table({"call": {"nmi": {0: 1}, "db": {0: 1}}})
        self.assertEqual(rows["nmi_entry"], {"db": [0, 1]})

    def test_a_kind_that_never_came_has_no_rows(self):
        rows, _ = table({"call": {"nmi": {0: 1}}})
        self.assertNotIn("db", rows["call"])

    def test_a_path_that_was_not_taken_is_told(self):
        taken = {name: set() for name in coverage.declared_paths()}
        self.assertEqual(coverage.untaken(Traced(taken)), [])
        del taken["syscall_migrate_out"]
        self.assertEqual(coverage.untaken(Traced(taken)), ["syscall_migrate_out"])

    def test_what_is_exempt_is_a_path(self):
        self.assertLessEqual({path for path, _ in coverage.exempt_paths()}, set(coverage.declared_paths()))


class MachineChecks(unittest.TestCase):
    def test_points_are_those_of_one_cpu_and_the_trace_is_left_alone(self):
        traced = Traced(dict(PATHS))
        chosen = machine_checks.points(Text, traced, 1, 20)
        self.assertEqual(set(chosen), {0, 1, 3})
        self.assertEqual(len(chosen), 20)
        self.assertEqual(traced.paths, PATHS)


if __name__ == "__main__":
    unittest.main()
