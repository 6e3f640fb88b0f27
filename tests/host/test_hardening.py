# SPDX-License-Identifier: MIT
"""test_hardening.py - what the comparison says about hardening follows the image's instructions.

With one of them blanked in a copy of the kernel, the line says something else.
"""
import importlib.util
import unittest

from lib import paths
from lib.constants import constants
from lib.designs import designs, kinds
from lib.elf import STT_FUNC, Elf
from mutation.image import file_offset

HAVE_CAPSTONE = importlib.util.find_spec("capstone") is not None
if HAVE_CAPSTONE:
    from vmeasure import hardening
    from vmeasure.entrytext import EntryText

SHIPPED = "system-call index masked, LFENCE beside SWAPGS; no retpolines, no register clearing"
# xor of ebx, ebp, r12d to r15d with itself
CLEARING = bytes.fromhex("31db 31ed 4531e4 4531ed 4531f6 4531ff")


class Copy:
    """The built kernel with some bytes changed, in memory."""

    def __init__(self):
        self.elf = Elf(paths.kernel())
        self.code = hardening.Code(self.elf)
        self.texts = {
            d.name: EntryText(self.elf, d.ident,
                              constants()["ENTRY_STUB_SIZE"])
            for d in designs()
        }

    def write(self, address, code):
        offset = file_offset(self.elf, address)
        data = self.elf.data
        self.elf.data = data[:offset] + code + data[offset + len(code):]

    def blank(self, insn):
        self.write(insn.address, b"\x90" * insn.size)

    def line(self):
        return hardening.line(self.elf, designs(), constants()["ENTRY_STUB_SIZE"])


@unittest.skipUnless(HAVE_CAPSTONE, "no capstone")
class Hardening(unittest.TestCase):
    def test_shipped(self):
        self.assertEqual(Copy().line(), SHIPPED)

    def test_mask(self):
        for mnemonic in ("mov", "cmp", "cmova"):
            copy = Copy()
            found = [i for i in copy.code.function("syscall_dispatch") if i.mnemonic == mnemonic]
            copy.blank(found[0])
            self.assertIn("; no masking of the system-call index, ", copy.line(), mnemonic)

    def blank_each_fence(self, text, names):
        """With any LFENCE of @text blanked the line names @names alone. How many there are."""
        fences = [i.address for i in text.instructions if i.text == "lfence"]
        for address in fences:
            copy = Copy()
            copy.blank(copy.code.at(address))
            self.assertEqual(copy.line(), SHIPPED.replace(", LFENCE beside SWAPGS", "").replace(
                "; ", "; no LFENCE beside SWAPGS (%s), " % " ".join(names)))
        return len(fences)

    def test_each_fence(self):
        """Of a design's own, and of what a kind shares."""
        whole = Copy()
        own = sum(self.blank_each_fence(whole.texts[d.name], [d.name]) for d in designs())
        self.assertGreaterEqual(own, 1)
        for ident, same in kinds(designs()).items():
            text = EntryText(whole.elf, ident, constants()["ENTRY_STUB_SIZE"])
            self.assertGreaterEqual(self.blank_each_fence(text, [d.name for d in same]), 2)

    def test_flip_that_stands_for_a_fence(self):
        """Where a CR3 write serialises the SWAPGS, that one counts."""
        copy, blanked = Copy(), 0
        for text in copy.texts.values():
            for i in text.instructions:
                if i.path == "idt_entry" and i.text.startswith("mov cr3"):
                    copy.blank(copy.code.at(i.address))
                    blanked += 1
        self.assertGreater(blanked, 0)
        self.assertIn("no LFENCE beside SWAPGS (", copy.line())

    def test_retpolines(self):
        copy = Copy()
        for s in copy.elf.symbols:
            for insn in copy.code.function(s.name) if s.type == STT_FUNC and s.size else ():
                if hardening.is_indirect(insn):
                    copy.blank(insn)
        self.assertTrue(hardening.has_retpolines(copy.code))

    def test_register_clearing(self):
        copy = Copy()
        for name, text in copy.texts.items():
            self.assertFalse(hardening.clears(copy.code, text))
            way_in = [i for i in text.instructions if i.path == "syscall_entry"]
            pushes = next(i for i in way_in if i.text.startswith("push"))
            copy.write(pushes.address, CLEARING)
            again = EntryText(copy.elf, text.ident, constants()["ENTRY_STUB_SIZE"])
            self.assertTrue(hardening.clears(copy.code, again), name)


if __name__ == "__main__":
    unittest.main()
