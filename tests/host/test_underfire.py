# SPDX-License-Identifier: MIT
"""Under fire: what counts as covered, and that nothing is left out of the table without a word."""
import json
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

from underfire import coverage, machine_checks
from underfire.boots import Sweep
from underfire.pieces import Pieces

Traced = namedtuple("Traced", "paths")
Named = namedtuple("Named", "ident name")
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
        rows, missing = table(
            {"call": {"nmi": {0: 1}}, "syscall_migrate_in": {"nmi": {1: 1, 2: 1}}})
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
        self.assertLessEqual({path
                              for path, _ in coverage.exempt_paths()},
                             set(coverage.declared_paths()))


class Shared(unittest.TestCase):
    """Two designs of three bytes of their own each, behind them two that they share."""
    NAMES = {0: "entry.land", 2: "entry.iret", 3: "nmi.land", 4: "nmi.iret"}

    def part(self, seen, paths):
        states = {o: {"cr3": {"user"}} for o in self.NAMES}
        return coverage.Part(coverage.Text(self.NAMES, states), Sweep({"call": {"db": seen}}, 1),
                             coverage.Paths(paths))

    def rows(self, part):
        rows, missing = coverage.table(*part, by_rule=[], exempt={})
        return rows, missing["db"]

    def test_own_text_is_what_a_design_s_table_is_of(self):
        part = coverage.cut(self.part({0: 1, 3: 1}, {"call": {0, 2, 3}, "nmi_entry": {3, 4}}), 0, 3)
        rows = {"call": {"db": [1, 2]}, "entry_text": {"db": [1, 2]}}
        self.assertEqual(self.rows(part), (rows, ["entry.iret"]))

    def test_shared_text_is_counted_once_for_all(self):
        a = coverage.cut(self.part({3: 1}, {"call": {0, 3}}), 3, 5)
        b = coverage.cut(self.part({3: 2}, {"call": {0}, "nmi_entry": {3, 4}}), 3, 5)
        both = coverage.together([a, b])
        self.assertEqual(both.sweep.seen["call"]["db"], {0: 3})
        rows, missing = self.rows(both)
        self.assertEqual(rows, {"call": {"db": [1, 1]}, "nmi_entry": {"db": [0, 2]},
                                "entry_text": {"db": [1, 2]}})
        self.assertEqual(missing, ["nmi.iret"])

    def test_pieces(self):
        def text(start, end, address, place):
            insn = {"at": place, "states": [["user", "user", "ist", "0"]]}
            return {"shared": "s", "text": [start, end], "instructions": {address: insn}}
        found = {"designs": {"x-y": text(0x1000, 0x3000, "0x2004", "x_entry.land")},
                 "shared": {"s": text(0x9000, 0xa000, "0x9010", "s_nmi.land")}}
        with tempfile.TemporaryDirectory() as tmp:
            proof = Path(tmp) / "proof.json"
            proof.write_text(json.dumps(found))
            design = Named("x", "x-y")
            pieces, text = Pieces(design, proof), coverage.text_of(design, proof)
        self.assertEqual(text.place, {0x1004: "entry.land", 0x2010: "nmi.land"})
        self.assertEqual(text.states[0x2010]["rsp"], {"ist"})
        for address in (0x1000, 0x2fff, 0x9000, 0x9fff):
            self.assertEqual(pieces.address(pieces.offset(address)), address)
        self.assertEqual((pieces.own_size, pieces.size), (0x2000, 0x3000))


class MachineChecks(unittest.TestCase):
    def test_points_are_those_of_one_cpu_and_the_trace_is_left_alone(self):
        traced = Traced(dict(PATHS))
        chosen = machine_checks.points(Text, traced, 1, 20)
        self.assertEqual(set(chosen), {0, 1, 3})
        self.assertEqual(len(chosen), 20)
        self.assertEqual(traced.paths, PATHS)


if __name__ == "__main__":
    unittest.main()
