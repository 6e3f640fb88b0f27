# SPDX-License-Identifier: MIT
"""The race sweep's report: what is read, and that nothing is left out of the coverage without a
word."""
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

import races
from racesweep import boots, locks
from racesweep.kept import Kept
from racesweep.report import Report

TEXT = """
RACE join wake 8 8 runs 9 done 3 asleep 4 waits 1
RACE waits ffffffff80000000 2 thread_join+0x10
RACE wake join 5 6 runs 9 done 5 asleep 0 waits 0
"""
WANTED = [("join", "wake"), ("wake", "join")]
Symbol = namedtuple("Symbol", "name address size type")


def swept(text=TEXT):
    found = boots.Swept()
    found.add(text)
    return found


class Reading(unittest.TestCase):
    def test_lines(self):
        found = swept()
        self.assertEqual(found.pairs["join"]["wake"], boots.Pair(8, 8, 9, 3, 4, 1))
        self.assertEqual(found.places, {0xffffffff80000000: (2, "thread_join+0x10")})
        self.assertEqual(found.runs, 18)

    def test_names_are_the_table_s(self):
        names = boots.calls()
        self.assertIn("unmap", names)
        self.assertEqual(len(names), len(set(names)))


class Together(unittest.TestCase):
    def test_each_once_and_none_between(self):
        names = boots.calls()
        groups = races.together(names)
        self.assertEqual(sorted(x for group in groups for x in group), sorted(names))
        for group in groups:
            first = names.index(group[0])
            self.assertEqual(list(group), names[first:first + len(group)])
            self.assertTrue(len(group) == 1 or not any(races.is_long(x) for x in group))

    def test_what_is_left_out_ends_a_group(self):
        self.assertEqual(races.together(["copy64", "sleep", "wake"]),
                         [("copy64",), ("sleep", "wake")])


class Keeping(unittest.TestCase):
    JOB = ("d", ("join", "wake"), "", 1, 1)

    def test_what_was_reported_is_found_again(self):
        with tempfile.TemporaryDirectory() as tmp:
            path = Path(tmp) / "races" / "boots.jsonl"
            Kept(path, "an image").add(self.JOB, swept())
            with open(path, "a", encoding="utf-8") as f:
                f.write('{"image": "an image", "job"')      # interrupted
            kept = Kept(path, "an image")
            self.assertEqual(kept.find(self.JOB), swept())
            self.assertIsNone(kept.find(("d", ("wake",), "", 1, 1)))
            self.assertIsNone(Kept(path, "another one").find(self.JOB))


class Judging(unittest.TestCase):
    def report(self, whole, text=TEXT):
        report = Report(WANTED, whole)
        report.add("d", swept(text))
        return report

    def test_less_than_all(self):
        self.assertEqual(
            self.report(["d"]).problems(), ["d: wake, join: held at 5 of 6 instructions"])

    def test_a_sample_may_have_less(self):
        self.assertEqual(self.report([]).problems(), [])

    def test_a_pair_that_is_missing(self):
        self.assertEqual(self.report([], TEXT.replace("wake join", "wake yield")).problems(),
                         ["d: wake, join: not swept"])

    def test_never_held(self):
        self.assertEqual(
            self.report([], TEXT.replace("5 6", "0 6")).problems(), ["d: wake, join: never held"])

    def test_the_worst_of_the_whole_ones(self):
        report = self.report(["d", "e"])
        report.add("e", swept(TEXT.replace("8 8", "6 8").replace("5 6", "6 6")))
        self.assertEqual(report.rows(), {"join": {"wake": [6, 8]}, "wake": {"join": [5, 6]}})


class Naming(unittest.TestCase):
    # mov eax, [0xffffffff80001000]; test eax, eax
    CODE = bytes.fromhex("8b042500100080" "85c0")

    class Elf:
        symbols = [Symbol("process_lock", 0xffffffff80001000, 4, "STT_OBJECT")]

        @staticmethod
        def read(_address, length):
            return (Naming.CODE + bytes(length))[:length]

    def test_a_lock(self):
        self.assertEqual(locks.name_of(self.Elf, 0x1000, "thread_join+0x10"),
                         "process_lock, in thread_join()")

    def test_an_answer(self):
        self.assertEqual(locks.name_of(self.Elf, 0x1000, "shoot+0x10"),
                         "a shootdown's acknowledgement")

    def test_nothing_known(self):
        found = locks.name_of(
            namedtuple("Elf", "symbols read")((), self.Elf.read), 0x1000, "f.part.0+0x2")
        self.assertEqual(found, "a lock of f()")


if __name__ == "__main__":
    unittest.main()
