# SPDX-License-Identifier: MIT
"""test_lint.py - lint looks at every source, in a git checkout and out of one.

A copy without git has no list of files, nor has one that lies in somebody else's checkout.
"""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from check_project import check_prose
from lib.paths import ROOT
from lib.sources import sources

LONG = "a line of prose that goes on and on, " * 3 + "and stops too late\n"
BAD = "int  bad( void ){return 0 ;}\n"      # neither an SPDX line nor our formatting
NO_GIT = {"GIT_CEILING_DIRECTORIES": tempfile.gettempdir()}


class Lint(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lint-")
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name) / "tree"
        for name in sources():
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.tree / name)

    def lint(self, step):
        """The steps of lint that @step names: (passed?, text)."""
        env = {k: v for k, v in os.environ.items() if k != "BUILD"} | NO_GIT
        done = subprocess.run(["/bin/sh", "tools/lint.sh", step], cwd=self.tree, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def noticed(self, step, name="mm/bad.c", text=BAD):
        """A bad file that @step looks at fails it, and is named."""
        (self.tree / name).write_text(text)
        passed, said = self.lint(step)
        self.assertFalse(passed, said)
        self.assertIn(name, said)

    def test_without_git(self):
        self.noticed("project rules")

    def test_in_another_checkout(self):
        if not shutil.which("git"):
            self.skipTest("no git")
        subprocess.run(["git", "init", "-q"], cwd=self.tree.parent, check=True)
        self.noticed("project rules")

    def test_prose(self):
        self.noticed("project rules", "mm/bad.md", LONG)

    def test_format(self):
        if not shutil.which("clang-format"):
            self.skipTest("no clang-format")
        self.noticed("clang-format")

    def test_a_build_is_no_source(self):
        made = self.tree / "build-2" / "gen"
        made.mkdir(parents=True)
        (made / "asm-offsets.inc").write_text(BAD)
        (made / "made.c").write_text(BAD)
        self.assertNotIn("made.c", self.lint("project rules")[1])

    def test_nothing_to_look_at(self):
        for path in (self.tree / "tests" / "kernel").glob("*.c"):
            path.unlink()
        passed, text = self.lint("clang-tidy: kernel")
        self.assertFalse(passed)
        self.assertIn("no file", text)

    def test_no_such_step(self):
        passed, text = self.lint("spelling")
        self.assertFalse(passed)
        self.assertIn("project rules", text)


class Prose(unittest.TestCase):
    def complaints(self, text):
        return list(check_prose(Path("a.md"), text.splitlines()))

    def test_lines_that_are_too_long(self):
        self.assertEqual(self.complaints("short\n" + LONG),
                         [f"a.md:2: {len(LONG) - 1} columns of prose, at most 100"])
        for text in ("# " + LONG, "- " + LONG, "text\n    " + LONG, "```\ncode\n```\n" + LONG,
                     "| table |\n\n" + LONG, "<!-- x:begin -->\n<!-- x:end -->\n" + LONG,
                     "    code\n\n" + LONG):
            self.assertEqual(len(self.complaints(text)), 1, text)
        self.assertEqual(self.complaints("x" * 49 + " " + "y" * 50 + "\n"), [])     # 100 columns

    def test_what_is_excepted(self):
        link = "[" + "word " * 20 + "](" + "x" * 60 + ".md)"
        for text in ("| " + LONG, "text\n\n    " + LONG + "    " + LONG, "```\n" + LONG + "```\n",
                     link, "- " + link, "`" + LONG.strip() + "`", "https://" + "x" * 100,
                     "# Page\n\nMade by `make x`.\n" + LONG,
                     "<!-- x:begin -->\n" + LONG + "<!-- x:end -->\n"):
            self.assertEqual(self.complaints(text), [], text)


if __name__ == "__main__":
    unittest.main()
