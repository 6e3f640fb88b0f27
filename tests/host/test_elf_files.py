# SPDX-License-Identifier: MIT
"""What the tools read of an ELF file: the built kernel's sections, symbols and bytes; and no file
twice in vain."""
import shutil
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from lib import paths
from lib.elf import SHF_EXECINSTR, STT_FUNC, Elf, built_kernel, opened


class Kernel(unittest.TestCase):
    def setUp(self):
        self.elf = built_kernel()

    def test_sections(self):
        text = self.elf.section(".text")
        self.assertTrue(text.flags & SHF_EXECINSTR)
        self.assertEqual(self.elf.content(text)[:64], self.elf.read(text.address, 64))
        self.assertIsNone(self.elf.section(".no-such"))

    def test_symbols(self):
        symbol = self.elf.by_name["syscall_dispatch"]
        self.assertEqual((symbol.type, symbol.is_place), (STT_FUNC, True))
        self.assertEqual(self.elf.near(symbol.address + 1), ("syscall_dispatch", 1))
        self.assertEqual(self.elf.address("syscall_dispatch"), symbol.address)

    def test_constants_are_no_places(self):
        constants = [s for s in self.elf.symbols if s.section == "SHN_ABS"]
        self.assertTrue(constants)
        self.assertFalse(any(s.is_place for s in constants))

    def test_a_name_of_two_places(self):
        places = {(s.name, s.address) for s in self.elf.symbols if s.is_place}
        name, count = Counter(name for name, _ in places).most_common(1)[0]
        self.assertGreater(count, 1)
        with self.assertRaisesRegex(KeyError, name.replace("..@", "")):
            self.elf.address(name)

    def test_outside(self):
        self.assertEqual(self.elf.read(0x1000, 8), b"")
        self.assertEqual(self.elf.near(0), (None, 0))


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="elf-")
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "file"

    def test_no_elf_file(self):
        for data in (b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(58)):
            self.file.write_bytes(data)
            with self.assertRaises(ValueError):
                Elf(self.file)

    def test_read_again_when_changed(self):
        shutil.copy(paths.kernel(), self.file)
        first = opened(self.file)
        self.assertIs(opened(self.file), first)
        program = paths.build() / "user" / "bin" / "init"
        self.file.write_bytes(program.read_bytes())
        self.assertIn("main", opened(self.file).by_name)
        self.assertNotIn("syscall_dispatch", opened(self.file).by_name)


if __name__ == "__main__":
    unittest.main()
