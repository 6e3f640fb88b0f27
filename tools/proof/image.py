# SPDX-License-Identifier: MIT
"""image.py - what the linked image says: a design's entry points as the hardware gets them, its
text, its tables."""
import json
import re
import struct
from pathlib import Path

from lib.constants import read
from lib.elf import SHF_ALLOC, opened

EXCEPTIONS = 32
TRUST_SECTION = ".proof_trust"


class Image:
    """The kernel, with the constants of its headers. @facts: entry/proof.json and
    entry/exposure.json."""

    def __init__(self, kernel, constants, entry):
        self.elf = opened(kernel)
        self.path = kernel
        self.offsets = read(constants)
        self.exits = json.loads((Path(entry) / "proof.json").read_text())["exits"]
        self.exposure = json.loads((Path(entry) / "exposure.json").read_text())["designs"]
        self.exit_names = {self.elf.address(n): n for n in self.exits if n in self.elf.by_name}
        self.trusted = dict(self._trusted())

    def _trusted(self):
        """(address, reason) of the operands that the source vouches for."""
        section = self.elf.section(TRUST_SECTION)
        data = self.elf.content(section) if section else b""
        at = 0
        while at < len(data):
            stop = data.index(b"\0", at + 8)
            yield struct.unpack_from("<Q", data, at)[0], data[at + 8:stop].decode()
            at = stop + 1 + 7 & ~7

    def word(self, address):
        raw = self.elf.read(address, 8)
        return struct.unpack("<Q", raw)[0] if len(raw) == 8 else None

    def section_of(self, address):
        """Name of the loaded section that holds @address, or None."""
        return next((s.name for s in self.elf.sections
                     if s.flags & SHF_ALLOC and s.address <= address < s.address + s.size), None)

    def describe(self, address):
        """@address as section, symbol and, where there is one, the text that lies there."""
        section = self.section_of(address)
        if section is None:
            return f"{address:#x}, in no section"
        name, off = self.elf.near(address)
        text = re.match(rb"[\x20-\x7e\n\t]{3,40}", self.elf.read(
            address, 40)) if "rodata" in section else None
        literal = f', the text "{text[0].decode().strip()}"' if text else ""
        size = self.elf.by_name[name].size if name else 0
        place = (f"{name}+{off:#x}" if 0 < off < size else
                 f"{address:#x}, {off:#x} behind {name}," if off else name)
        return f"{place} in {section}{literal}"


class PieceFacts:
    """A piece of entry text: its own bytes, and what may be read there on the user table."""

    def __init__(self, image, name, split):
        self.image, self.name, self.split = image, name, split
        self.text, self.rodata, self.handed_to = [], [], []     # of (start, end)

    def in_text(self, address):
        return any(a <= address < b for a, b in self.text)

    def is_handed_over(self, address):
        """Does a path that goes there go on in the text that the design shares with its kind?"""
        return any(a <= address < b for a, b in self.handed_to)

    def in_rodata(self, address, size):
        return any(a <= address and address + size <= b for a, b in self.rodata)

    def in_stubs(self, _address):
        return False

    def trusted(self):
        return {a: r for a, r in self.image.trusted.items() if self.in_text(a)}

    def name_of(self, address):
        """function+offset of an instruction."""
        name, off = self.image.elf.near(address)
        return f"{name}+{off:#x}" if off else str(name)


class DesignFacts(PieceFacts):
    """One design: its struct entry_design, read from the image, and what its user root maps."""

    def __init__(self, image, design):
        at, off = image.elf.address("entry_" + design.ident), image.offsets
        field = {n[3:].lower(): image.word(at + off[n]) for n in off if n.startswith("ED_")}
        super().__init__(image, design.name, bool(field["split"] & 0xff))
        self.ident = design.ident
        self.syscall_entry, self.user_return = field["syscall_entry"], field["user_return"]
        self.stubs, self.stub_size = field["stubs"], off["ENTRY_STUB_SIZE"]
        self.ist = image.elf.read(field["ist"], 256)
        exposure = image.exposure[design.name]
        # Where RSP0 points, and where thread_create_user() puts the frame.
        self.landing = ("tramp" if exposure["trampolines"] else
                        "kernel" if exposure["entry_stack"] is None else "entry")
        self.frame_home = "tramp" if exposure["trampolines"] else "kernel"
        self.shared = SharedFacts(image, exposure["shared"], self.split, self.ist)
        self.text = [(field["text_start"], field["text_end"])]
        self.rodata = [(field["rodata_start"], field["rodata_end"])] + self.shared.rodata
        self.handed_to = self.shared.text
        shown = [(field[f"shared_{k}_start"], field[f"shared_{k}_end"]) for k in ("text", "rodata")]
        if exposure["split"] != self.split or shown != self.shared.text + self.shared.rodata:
            raise ValueError(f"{design.name}: entry/exposure.json and the image name two kinds")

    def in_stubs(self, address):
        return self.stubs <= address < self.stubs + 256 * self.stub_size


class SharedFacts(PieceFacts):
    """What a kind of designs shares.  Nothing here is one design's: the proof holds for all."""

    def __init__(self, image, ident, split, ist):
        super().__init__(image, ident, split)
        self.ident, self.ist = ident, ist
        self.landing = "kernel"     # what entry_top names is the design's: nothing is known of it
        address = image.elf.address
        for kind, pieces in (("text", self.text), ("rodata", self.rodata)):
            name = f"entry_{ident}_{kind}"
            pieces.append((address(name + "_start"), address(name + "_end")))

    def kind(self):
        """Two designs for which this is equal can be proved in one."""
        return self.name, self.split, self.ist
