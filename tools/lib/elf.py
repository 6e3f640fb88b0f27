# SPDX-License-Identifier: MIT
"""Facts read from the build: ELF symbols and bytes, and the constants of C headers."""
import bisect
import functools
import os
import re
import struct
from collections import namedtuple

from . import paths

Symbol = namedtuple("Symbol", "name address size type section")
STT_FUNC = 2
SHT_SYMTAB, SHT_NOBITS = 2, 8
PT_LOAD = 1


class Elf:
    """A little-endian ELF64 file: symbols, and bytes by virtual address."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("%s is no little-endian ELF64 file" % path)
        self.sections = self._sections()
        self.segments = self._segments()
        self.symbols = list(self._symbols())
        self.by_name = {s.name: s for s in self.symbols}
        # Labels of an address, in the table's order where several name one place. File-scope
        # constants (section 0xfff1, e.g. equ) are no places, macro-local labels say nothing.
        self._labels = sorted(((s.address, s.name) for s in self.symbols
                               if s.section not in (0, 0xfff1) and s.type < 3
                               and not s.name.startswith("..@")), key=lambda label: label[0])
        self._addresses = [a for a, _ in self._labels]

    def _sections(self):
        offset, = struct.unpack_from("<Q", self.data, 0x28)
        size, count, _ = struct.unpack_from("<HHH", self.data, 0x3a)
        # name, type, flags, address, offset, size, link, info, align, entry size
        return [struct.unpack_from("<IIQQQQIIQQ", self.data, offset + i * size)
                for i in range(count)]

    def _segments(self):
        offset, = struct.unpack_from("<Q", self.data, 0x20)
        size, count = struct.unpack_from("<HH", self.data, 0x36)
        heads = [struct.unpack_from("<IIQQQQQQ", self.data, offset + i * size)
                 for i in range(count)]
        return [(h[3], h[2], h[5]) for h in heads if h[0] == PT_LOAD]   # va, offset, file size

    def _symbols(self):
        for s in self.sections:
            if s[1] != SHT_SYMTAB:
                continue
            names = self.sections[s[6]][4]
            for at in range(s[4], s[4] + s[5], 24):
                name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                end = self.data.index(b"\0", names + name)
                text = self.data[names + name:end].decode()
                if text:
                    yield Symbol(text, value, size, info & 15, section)

    def address(self, name):
        """Address of symbol @name; KeyError names it, also when several places have that name."""
        places = {s.address for s in self.symbols if s.name == name}
        if len(places) > 1:
            raise KeyError(f"{name}: {len(places)} places have this name")
        return self.by_name[name].address

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


@functools.lru_cache(maxsize=None)
def _opened(path, _changed):
    return Elf(path)


def opened(path):
    """The Elf of @path, read once as long as the file is the same; not to be changed."""
    stat = os.stat(path)
    return _opened(str(path), (stat.st_mtime_ns, stat.st_ino, stat.st_size))


def built_kernel():
    """The kernel of the build directory, as opened()."""
    return opened(paths.kernel())


def read_defines(path):
    """{name: value} of the `#define NAME number-or-name` lines of a C header."""
    found = {}
    pattern = re.compile(r"^#define\s+(\w+)\s+(\w+)\s*(?:/\*.*)?$")
    with open(path, encoding="utf-8") as f:
        for line in f:
            m = pattern.match(line)
            if not m:
                continue
            if m.group(2) in found:
                found[m.group(1)] = found[m.group(2)]
            elif re.fullmatch(r"0[xX][0-9a-fA-F]+|\d+", m.group(2)):
                found[m.group(1)] = int(m.group(2), 0)
    return found
