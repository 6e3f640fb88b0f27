# SPDX-License-Identifier: MIT
"""Long boots: what the guest says of them comes out, with the end of a log and the way to repeat it
when one fails."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

from lib import longrun
from lib.outcome import Outcome

SAID = "fuzz: round 1\nother\nfuzz: seed 7: {}\n"


class Said(unittest.TestCase):
    def run_one(self, status, text):
        """(passed?, what is printed)"""
        with tempfile.TemporaryDirectory() as tmp:
            log = Path(tmp) / "log"

            def run():
                log.write_text(text)
                return Outcome(status, log, 0.0)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                good = longrun.passes(SimpleNamespace(log=log, run=run), "fuzz", "a design",
                                      "again: make fuzz")
        return good, out.getvalue()

    def test_one_that_passes(self):
        good, said = self.run_one(33, SAID.format("all right") + "EXIT 16\n")
        self.assertTrue(good)
        self.assertRegex(said, r"^ok - a design: seed 7: all right \(0 s\)\n$")

    def test_one_that_fails(self):
        good, said = self.run_one(35, SAID.format("wrong") + "EXIT 17\n")
        self.assertFalse(good)
        self.assertRegex(said, r"^not ok - a design: seed 7: wrong ")
        self.assertEqual(said.splitlines()[-2:], ["# EXIT 17", "# again: make fuzz"])

    def test_one_that_says_nothing(self):
        self.assertIn("a design: died: ", self.run_one(0, "")[1])

    def test_tally(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual((longrun.tally([True, False]), longrun.tally([True])), (1, 0))
        self.assertEqual(out.getvalue(), "1 passed, 1 failed\n1 passed, 0 failed\n")


if __name__ == "__main__":
    unittest.main()
