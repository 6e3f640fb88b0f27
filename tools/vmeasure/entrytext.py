# SPDX-License-Identifier: MIT
"""The instructions of a piece of entry text, read from the linked image.

A piece is a design's own text, or what a kind of designs shares.
What is an instruction and what only fills a gap is found by following the code: from every
stub and every function on, over both ways of each jump. Bytes that no way leads to are padding.
"""
import re
from bisect import bisect_right
from collections import namedtuple

import capstone

from lib.elf import STT_FUNC

# path: symbol without the piece's prefix, "stubs" for all stubs; step: its local label, or "";
# offset: bytes after that label (after the stub's first byte); vector: of a stub, else None;
# text: free of addresses; calls: symbol that it calls or jumps to, or "".
Insn = namedtuple("Insn", "address data path step offset vector text calls")

SHARED = r"shared_[^\W_]+"       # identifier of a text that a kind of designs shares
ENDS = ("jmp", "ret", "iretq", "sysret", "sysretq", "ud2", "int3")


class EntryText:
    """@kernel: Elf; @ident: the piece's identifier; @stub_size: ENTRY_STUB_SIZE."""

    def __init__(self, kernel, ident, stub_size):
        self.kernel, self.ident, self.stub_size = kernel, ident, stub_size
        self.start = kernel.address("entry_%s_text_start" % ident)
        self.end = kernel.address("entry_%s_text_end" % ident)
        stubs = ident + "_stubs"
        self.stubs = kernel.address(stubs) if stubs in kernel.by_name else None
        self.engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self.functions = self._functions()
        self._starts = [address for address, _ in self.functions]
        self.c_paths = self._c_paths()
        self.instructions = [self._describe(i) for i in self._reached()]

    def _functions(self):
        """[(address, name)] of everything with a name that is no local label, in order."""
        found = {s.address: s.name for s in self.kernel.symbols
                 if self.start <= s.address < self.end and s.is_place
                 and "." not in s.name and not s.name.endswith(("_text_start", "_text_end"))}
        return sorted(found.items())

    def _c_paths(self):
        """{path} of what the compiler made: assembly's labels have no type."""
        return {self.owner(s.address)[0] for s in self.kernel.symbols
                if s.type == STT_FUNC and self.start <= s.address < self.end}

    def _reached(self):
        """Capstone's instructions, in the order of their addresses."""
        roots = [a for a in self._starts if a != self.stubs]
        roots += [self.stubs + v * self.stub_size for v in range(256 if self.stubs else 0)]
        found = {}
        while roots:
            at = roots.pop()
            while self.start <= at < self.end and at not in found:
                insn = next(self.engine.disasm(self.kernel.read(at, 15), at, 1), None)
                if insn is None:
                    raise ValueError("entry text holds no instruction at %#x" % at)
                found[at] = insn
                target = target_of(insn)
                if target is not None and insn.mnemonic != "call":
                    roots.append(target)
                if insn.mnemonic in ENDS:
                    break
                at += insn.size
        return [found[at] for at in sorted(found)]

    def one_stub_a_kind(self):
        """Vectors whose stubs stand for all: the first with its instructions' lengths and its jump.
        That nothing but the vector tells others apart the build proves (tools/proof/stubs.py)."""
        shapes = {}
        for i in self.instructions:
            if i.vector is not None:
                what = i.text if i.text.startswith("jmp") else len(i.data)
                shapes.setdefault(i.vector, []).append(what)
        first = {}
        for vector, shape in sorted(shapes.items()):
            first.setdefault(tuple(shape), vector)
        return set(first.values())

    def mutated(self):
        """The instructions whose mutants say something of their own."""
        stubs = self.one_stub_a_kind()
        return [i for i in self.instructions if i.vector is None or i.vector in stubs]

    def padding(self):
        """Bytes between the piece's ends that belong to no instruction."""
        return self.end - self.start - sum(len(i.data) for i in self.instructions)

    def owner(self, address):
        """(path, address it begins at) of the function that holds @address."""
        start, name = self.functions[bisect_right(self._starts, address) - 1]
        return self._short(name), start

    def _describe(self, insn):
        path, start = self.owner(insn.address)
        target = target_of(insn)
        calls, text = "", ("%s %s" % (insn.mnemonic, insn.op_str)).strip()
        if target is not None:
            name, offset = self.kernel.near(target)
            calls = name if insn.mnemonic == "call" or self._leaves(target) else ""
            text = "%s %s%s" % (insn.mnemonic, self._short(name), "+%d" % offset if offset else "")
        if path == "stubs":
            vector, offset = divmod(insn.address - self.stubs, self.stub_size)
            return Insn(insn.address, bytes(insn.bytes), path, "", offset, vector, text, calls)
        label, offset = self.kernel.near(insn.address)
        step = label.split(".", 1)[1] if "." in label else ""
        if not step:
            offset = insn.address - start
        return Insn(insn.address, bytes(insn.bytes), path, step, offset, None, text, calls)

    def _leaves(self, target):
        """Is @target the first byte of a function, or outside of this piece of text?"""
        return not self.start <= target < self.end or target in self._starts

    def _short(self, name):
        """@name without the piece's prefix or a kind's, so that two of them can be compared."""
        return re.sub(rf"^({re.escape(self.ident)}|{SHARED})_", "", name)

    def steps(self, path):
        """[step] of @path in the order of their definition, those without code included."""
        prefix = "%s_%s." % (self.ident, path)
        found = [(s.address, s.name[len(prefix):]) for s in self.kernel.symbols
                 if s.name.startswith(prefix)]
        return [name for _, name in sorted(found, key=lambda f: f[0])]


def target_of(insn):
    """Address that a direct jump or call goes to, or None."""
    if (insn.mnemonic[0] == "j" or insn.mnemonic == "call") and insn.op_str.startswith("0x"):
        return int(insn.op_str, 16)
    return None
