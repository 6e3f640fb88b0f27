# SPDX-License-Identifier: MIT
"""constants.json is what the headers say: read here a second time, by their look."""
import re
import unittest

from lib import paths
from lib.constants import constants, frame_words
from lib.paths import ROOT

WORD = 1 << 64


class Constants(unittest.TestCase):
    def test_the_address_map(self):
        lines = re.findall(r"^#define\s+(\w+)\s+(0x\w+|\d+)\b",
                           (ROOT / "mm" / "layout.h").read_text(), re.M)
        self.assertGreater(len(lines), 25)
        for name, value in lines:
            self.assertEqual(constants()[name], int(value, 0), name)

    def test_one_defined_by_another(self):
        self.assertEqual(constants()["CEA_IDT"], constants()["CPU_ENTRY_AREA_BASE"])
        self.assertEqual(constants()["BREAK_WRITE"], 0xd << 48)

    def test_what_nasm_has(self):
        text = (paths.build() / "gen" / "asm-offsets.inc").read_text()
        found = re.findall(r"^%define (\w+) (-?\d+)$", text, re.M)
        self.assertEqual(len(found), len(text.splitlines()))
        for name, value in found:
            self.assertEqual(constants()[name], int(value) % WORD, name)

    def test_a_number_that_looks_negative(self):
        self.assertEqual(constants()["MSR_GS_BASE"], 0xc0000101)

    def test_a_string_is_none(self):
        self.assertNotIn("ENTRY_DESIGN_DEFAULT", constants())

    def test_system_calls(self):
        calls = [name for name in constants() if name.startswith("SYS_")]
        self.assertEqual(len(calls), constants()["SYSCALL_COUNT"])

    def test_the_frame(self):
        words = frame_words()
        self.assertEqual(sorted(words.values()), list(range(0, constants()["TF_SIZE"], 8)))
        self.assertEqual((words["r11"], words["ss"]), (0, constants()["TF_SIZE"] - 8))


if __name__ == "__main__":
    unittest.main()
