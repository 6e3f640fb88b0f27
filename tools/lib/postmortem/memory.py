# SPDX-License-Identifier: MIT
"""The guest's kernel memory, whatever table its CPUs have loaded: physical reads and a walk of the
kernel's table."""
import struct

PAGE = 4096
PRESENT, LARGE = 1, 1 << 7
ADDRESS = 0x000ffffffffff000
CHUNK = 1024        # bytes a request: an answer must fit one packet


class Unreadable(Exception):
    """No memory there."""


class Memory:
    """@gdb reads physical addresses already. @root: the physical address of the top-level table."""

    def __init__(self, gdb, root):
        self.gdb = gdb
        self.root = root
        self.pages = {}     # the guest stands still: a page is read once

    def page(self, pa):
        """The frame at @pa."""
        if pa not in self.pages:
            self.pages[pa] = b"".join(
                self.gdb.read_memory(pa + at, CHUNK) for at in range(0, PAGE, CHUNK))
        return self.pages[pa]

    def translate(self, va):
        """The physical address of @va."""
        table = self.root
        for level in (4, 3, 2, 1):
            shift = 12 + 9 * (level - 1)
            entry, = struct.unpack_from("<Q", self.page(table), 8 * (va >> shift & 511))
            if not entry & PRESENT:
                raise Unreadable("%#x is not mapped" % va)
            if level == 1 or entry & LARGE:
                offset = va & ((1 << shift) - 1)
                return (entry & ADDRESS & ~((1 << shift) - 1)) + offset
            table = entry & ADDRESS
        raise AssertionError

    def read(self, va, length):
        """@length bytes at @va."""
        data = b""
        while len(data) < length:
            pa = self.translate(va + len(data))
            data += self.page(pa & ~(PAGE - 1))[pa % PAGE:][:length - len(data)]
        return data

    def number(self, va, size=8):
        """The little-endian number of @size bytes at @va."""
        return int.from_bytes(self.read(va, size), "little")
