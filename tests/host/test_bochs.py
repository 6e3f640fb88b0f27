# SPDX-License-Identifier: MIT
"""A boot in Bochs, with a script in Bochs's place that behaves as GRUB does on its serial line."""
import importlib.util
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

HAVE_PEXPECT = importlib.util.find_spec("pexpect") is not None
if HAVE_PEXPECT:
    from lib import bochs

# What comes before each key's echo holds keys itself: 1, ;, 7, H. A key that comes before the last
# one's echo is lost.
FAKE = """#!{python}
import os, re, sys, time, tty
configuration = open(sys.argv[sys.argv.index("-f") + 1]).read()
line = os.open(re.search(r"dev=(\\S+)", configuration)[1], os.O_RDWR | os.O_NOCTTY)
os.write(line, b"Press enter to boot, e to edit, or c for a command-line.")
if os.read(line, 9) == b"c":
    os.write(line, b"\\x1b[2J\\r\\ngrub> ")
typed = b""
while not typed.endswith(b"\\r"):
    key = os.read(line, 99)[:1]
    time.sleep(0.002)
    os.write(line, b"\\x1b[1;17H" + (b"" if key == b"\\r" else key))
    typed += key
os.write(line, b"\\r\\ntyped: " + typed.strip() + b"\\r\\n")
{end}
"""


@unittest.skipUnless(HAVE_PEXPECT, "python3-pexpect is not installed")
class Boots(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bochs-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        there = [self.folder]
        for patch in (mock.patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}),
                      mock.patch.object(bochs, "BIOS",
                                        there), mock.patch.object(bochs, "VGA_BIOS", there)):
            patch.start()
            self.addCleanup(patch.stop)

    def boot(self, end, timeout=20):
        fake = self.folder / "bochs"
        fake.write_text(FAKE.format(python=sys.executable, end=end))
        fake.chmod(0o755)
        return bochs.BochsBoot("tests=x17;H seed=711", what="fake", build=self.folder,
                               timeout=timeout).run()

    def test_the_line_is_typed(self):
        outcome = self.boot('os.write(line, b"EXIT 16\\r\\n")')
        self.assertEqual(outcome.verdict, "pass", outcome.text)
        self.assertIn("typed: start tests=x17;H seed=711", outcome.lines)

    def test_it_ends_early(self):
        self.assertEqual(self.boot("").verdict, "died")

    def test_it_hangs(self):
        outcome = self.boot("time.sleep(60)", timeout=1)
        self.assertEqual(outcome.verdict, "timeout")
        self.assertIn("typed: start tests=x17;H seed=711", outcome.lines)

    def test_its_screen_is_read(self):
        """More than a terminal holds."""
        screen = """screen, name = os.openpty()
tty.setraw(name)
os.write(2, b'Bochs connected to screen "%s"\\n' % os.ttyname(name).encode())
for _ in range(100):
    os.write(screen, bytes(4096))
os.write(line, b"EXIT 16\\n")"""
        self.assertEqual(self.boot(screen).verdict, "pass")


if __name__ == "__main__":
    unittest.main()
