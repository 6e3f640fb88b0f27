# SPDX-License-Identifier: MIT
"""tools/same_text.py sees a byte of text or rodata that differs, and whatever is left of the
probe."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from lib import paths
from lib.elf import opened
from lib.paths import ROOT

BARE = paths.build() / "bare.elf"


def compare(one, other) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, ROOT / "tools" / "same_text.py", one, other],
                          capture_output=True,
                          text=True,
                          check=False)


class SameText(unittest.TestCase):
    def test_this_build(self):
        self.assertEqual(compare(paths.kernel(), BARE).returncode, 0)

    def test_a_byte(self):
        for name in (".text", ".entry.text", ".rodata"):
            section = opened(BARE).section(name)
            with tempfile.TemporaryDirectory() as tmp:
                spoilt = Path(tmp) / "spoilt.elf"
                data = bytearray(BARE.read_bytes())
                data[section.offset + section.size // 2] ^= 1
                spoilt.write_bytes(data)
                done = compare(paths.kernel(), spoilt)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{name} differs from offset 0x{section.size // 2:x}", done.stderr)

    def test_the_probe_is_still_there(self):
        done = compare(paths.kernel(), paths.kernel())
        self.assertEqual(done.returncode, 1)
        self.assertIn("of the probe are in the kernel without it", done.stderr)


if __name__ == "__main__":
    unittest.main()
