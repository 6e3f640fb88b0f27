# SPDX-License-Identifier: MIT
"""elf.py - a little-endian ELF64 file, read with pyelftools: sections, symbols, and bytes by
virtual address."""
import bisect
import functools
import io
import os
from pathlib import Path
from typing import NamedTuple

from . import paths

STT_FUNC, STT_OBJECT = "STT_FUNC", "STT_OBJECT"
PLACES = ("STT_NOTYPE", STT_OBJECT, STT_FUNC)
SHF_ALLOC, SHF_EXECINSTR = 2, 4


class Section(NamedTuple):
    name: str
    flags: int
    address: int
    offset: int
    size: int


class Symbol(NamedTuple):
    name: str
    address: int
    size: int
    type: str               # "STT_FUNC" and the like
    section: int | str      # its number, or "SHN_ABS" and the like

    @property
    def is_place(self) -> bool:
        """Does it name something in memory? A constant of one file (SHN_ABS, e.g. equ) does not."""
        return self.type in PLACES and isinstance(self.section, int)


class Elf:
    """@path: the file, which is read once and whole."""

    def __init__(self, path):
        self.data = Path(path).read_bytes()
        file = _parsed(self.data, path)
        self.sections = [Section(s.name, s["sh_flags"], s["sh_addr"], s["sh_offset"], s["sh_size"])
                         for s in file.iter_sections()]
        # Virtual address, offset, size of what the file has of each.
        self.segments = [(s["p_vaddr"], s["p_offset"], s["p_filesz"])
                         for s in file.iter_segments() if s["p_type"] == "PT_LOAD"]
        self.symbols = list(_symbols(file))
        self.by_name = {s.name: s for s in self.symbols}
        self._places = {}
        for s in self.symbols:
            self._places.setdefault(s.name, set()).add(s.address)
        # Labels of an address, in the table's order where several name one place.
        # Macro-local labels say nothing.
        self._labels = sorted(
            ((s.address, s.name)
             for s in self.symbols if s.is_place and not s.name.startswith("..@")),
            key=lambda label: label[0])
        self._addresses = [a for a, _ in self._labels]

    def section(self, name):
        """The Section called @name, or None."""
        return next((s for s in self.sections if s.name == name), None)

    def content(self, section):
        """Its bytes in the file."""
        return self.data[section.offset:section.offset + section.size]

    def code_symbols(self):
        """Those of places in executable sections."""
        code = {n for n, s in enumerate(self.sections) if s.flags & SHF_EXECINSTR}
        return [s for s in self.symbols if s.is_place and s.section in code]

    def address(self, name):
        """Address of symbol @name; KeyError names it, also when several places have that name."""
        places = self._places[name]
        if len(places) > 1:
            raise KeyError(f"{name}: {len(places)} places have this name")
        return min(places)

    def read(self, address, length):
        """Up to @length bytes of the file at virtual @address; b"" where the file has none."""
        for va, offset, size in self.segments:
            if va <= address < va + size:
                return self.data[offset + address - va:offset + min(address - va + length, size)]
        return b""

    def near(self, address):
        """(name, distance) of the last symbol at or below @address, or (None, 0).

        Of several names for one place a NASM local label wins, the last defined one: a step
        that needs no code stands before the step that the code belongs to.
        """
        i = bisect.bisect_right(self._addresses, address)
        if i == 0:
            return None, 0
        at = self._addresses[i - 1]
        names = [n for _, n in self._labels[bisect.bisect_left(self._addresses, at):i]]
        local = [n for n in names if "." in n]
        plain = [n for n in names if not n.endswith(("_start", "_end"))] or names
        return (local or plain)[-1], address - at


def _parsed(data, path):
    # pylint: disable=import-outside-toplevel # a command that reads no ELF file does without the
    # package
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    try:
        file = ELFFile(io.BytesIO(data))
    except ELFError as error:
        raise ValueError(f"{path} is no ELF file: {error}") from None
    if file.elfclass != 64 or not file.little_endian:
        raise ValueError(f"{path} is no little-endian ELF64 file")
    return file


def _symbols(file):
    table = file.get_section_by_name(".symtab")
    for s in table.iter_symbols() if table else ():
        if s.name:
            yield Symbol(s.name, s["st_value"], s["st_size"], s["st_info"]["type"], s["st_shndx"])


@functools.lru_cache(maxsize=8)
def _opened(path, _changed):
    return Elf(path)


def opened(path):
    """The Elf of @path, read once as long as the file is the same; not to be changed."""
    stat = os.stat(path)
    return _opened(os.path.abspath(path), (stat.st_mtime_ns, stat.st_ino, stat.st_size))


def built_kernel():
    """The kernel of the build directory, as opened()."""
    return opened(paths.kernel())
