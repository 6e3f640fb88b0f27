# SPDX-License-Identifier: MIT
"""test_seeding.py - planted bugs: what a patch must look like, which tests are tried, and what is
kept of the first."""
import json
import tempfile
import unittest
from pathlib import Path

from lib.paths import ROOT
from seeding import ladder, patches, report
from seeding.lab import Lab

HEAD = "What: a thing\nBreaks: a promise\nOrigin: kinds\n"
DIFF = "--- a/mm/heap.c\n+++ b/mm/heap.c\n@@ -1 +1 @@\n-x\n+y\n"


class Patches(unittest.TestCase):
    def test_a_good_one(self):
        p = patches.parse("mm-a-thing", HEAD + "Tests: kernel:4 test_map\n\n" + DIFF)
        self.assertEqual((p.area, p.files, p.tests, p.survives),
                         ("mm", ("mm/heap.c", ), ("kernel:4", "test_map"), ""))

    def test_words_do_not_make_it_another_bug(self):
        a, b = (patches.parse("mm-x",
                              HEAD.replace("thing", w) + "\n" + DIFF) for w in ("one", "other"))
        self.assertEqual(a.digest, b.digest)

    def test_bad_ones(self):
        for name, text in (("mm-x", HEAD + DIFF), ("mm-x",
                                                   HEAD.replace("kinds", "luck") + "\n" + DIFF),
                           ("mm-x", "What: a\nOrigin: kinds\n\n" + DIFF),
                           ("mm-x", HEAD + "Why: so\n\n" + DIFF), ("mm-x",
                                                                   HEAD + "What: again\n\n" + DIFF),
                           ("X", HEAD + "\n" + DIFF), ("mm-x", HEAD + "\nno diff\n"),
                           ("mm-x",
                            HEAD + "\n" + DIFF.replace("mm/heap.c", "tests/kernel/ktest.c")),
                           ("mm-x", HEAD + "\n" + DIFF.replace("mm/heap.c", "entry/ist.inc"))):
            with self.assertRaises(patches.BadPatch):
                patches.parse(name, text)

    def test_those_that_are_there_are_good(self):
        self.assertTrue(patches.load(ROOT / "tests" / "seeded"))


class Steps(unittest.TestCase):
    def test_words(self):
        s = ladder.step("kernel:4:icount")
        self.assertEqual((s.kind, s.design, s.name, s.cpus, s.icount),
                         ("boot", ladder.LAST, "kernel", 4, True))
        self.assertEqual(ladder.step(f"{ladder.DESIGNS[0]}/user").design, ladder.DESIGNS[0])
        self.assertEqual(ladder.step("proof").kind, "proof")
        for word in ("host.test_elf", f"{ladder.LAST}.panic", "machines"):
            self.assertEqual(ladder.step(word).kind, "check")

    def test_order(self):
        p = patches.parse("mm-x",
                          HEAD + "Tests: test_map\n\n" + DIFF.replace("mm/heap.c", "mm/frames.c"))
        titles = [s.title for s in ladder.steps(p, ladder.HostTests(ROOT), "smp:4")]
        self.assertEqual(titles[:2], ["smp:4", "test_map"])
        self.assertLess(titles.index("host.test_frames"), titles.index("test_threads:icount"))
        self.assertNotIn("host.test_elf", titles)
        self.assertEqual(len(titles), len(set(titles)))

    def test_near_is_a_part_of_all(self):
        p, host = patches.parse("mm-x", HEAD + "\n" + DIFF), ladder.HostTests(ROOT)
        near, every = ladder.steps(p, host, near=True), ladder.steps(p, host)
        self.assertEqual(near, every[:len(near)])
        self.assertLess(len(near), len(every))


class FailingLab(Lab):
    """Each try comes out as @tries say."""

    def __init__(self, tries):      # nothing else of a lab is wanted
        self.tries = list(tries)

    def failed(self, step, tree):
        return self.tries.pop(0)


class Noticing(unittest.TestCase):
    def test_what_depends_on_the_machine_fails_twice(self):
        for word in ("kernel:4", "machines"):
            step = ladder.step(word)
            self.assertEqual(FailingLab(["slow", ""]).noticed(step, None), "")
            self.assertEqual(FailingLab(["slow", "wrong"]).noticed(step, None), "wrong")
            self.assertEqual(FailingLab([""]).noticed(step, None), "")

    def test_what_repeats_fails_once(self):
        for word in ("kernel:4:icount", "proof", "host.test_elf"):
            self.assertEqual(FailingLab(["wrong"]).noticed(ladder.step(word), None), "wrong")


class Records(unittest.TestCase):
    def test_the_first_stays(self):
        with tempfile.TemporaryDirectory() as tmp:
            path = Path(tmp) / "first.json"
            for killer in (None, "kernel"):
                report.Record(path,
                              Path(tmp)).add({"name": "mm-x", "killed_by": killer, "signature": ""},
                                             False)
            self.assertIsNone(json.loads(path.read_text())["mm-x"]["killed_by"])
            report.Record(path,
                          Path(tmp)).add({"name": "mm-x", "killed_by": "kernel", "signature": ""},
                                         True)
            self.assertEqual(json.loads(path.read_text())["mm-x"]["killed_by"], "kernel")


if __name__ == "__main__":
    unittest.main()
