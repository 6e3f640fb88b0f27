# SPDX-License-Identifier: MIT
"""branches.py - which ways of the kernel's conditional branches a boot took.

QEMU writes down each block of instructions that it runs (-d exec,nochain), in the kernel's text
only (-dfilter); a pipe brings it here.  A block ends with its first jump.  So where the same CPU's
next block begins tells which way a conditional one went; where an interrupt came in between neither
is seen.  Entry text is left out: it has a proof and sweeps of its own.  Following costs the guest
nearly all its speed: what was followed is a sample.
"""
import bisect
import os
import re
import subprocess
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from capstone import x86_const
import capstone

from . import paths
from .elf import opened
from .boots import Boot
from .paths import ROOT

LINE = re.compile(rb"Trace (\d+): 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")
LEFT_OUT = ("entry/", "tests/")


def files_of(kernel: Path, addresses: list[int]) -> dict[int, str]:
    """The source each address comes from."""
    given = "".join(f"{a:#x}\n" for a in addresses)
    lines = subprocess.run(["addr2line", "-e", str(kernel)],
                           input=given,
                           capture_output=True,
                           text=True,
                           check=True).stdout.splitlines()
    return {a: in_tree(line.rsplit(":", 1)[0]) for a, line in zip(addresses, lines)}


def in_tree(path: str) -> str:
    """As the tree names it: of what NASM notes, the end alone is a file there."""
    parts = os.path.normpath(path).split("/")
    return next(("/".join(parts[i:])
                 for i in range(len(parts)) if (ROOT / "/".join(parts[i:])).is_file()), path)


@dataclass
class Code:
    """The kernel's jumps."""
    kernel: Path
    start: int = 0
    end: int = 0
    # every instruction that ends a block, in order
    jumps: list[int] = field(default_factory=list)
    # a conditional one: (taken, not taken)
    ways: dict[int, tuple[int, int]] = field(default_factory=dict)
    file: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        elf = opened(self.kernel)
        text = elf.section(".text")     # which entry text is no part of
        self.start, self.end = text.address, text.address + text.size
        engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        engine.detail = True
        for i in self._instructions(engine, elf):
            if not any(
                    i.group(g)
                    for g in (capstone.CS_GRP_JUMP, capstone.CS_GRP_CALL, capstone.CS_GRP_RET,
                              capstone.CS_GRP_INT, capstone.CS_GRP_IRET)):
                continue
            self.jumps.append(i.address)
            if i.group(capstone.CS_GRP_JUMP) and i.id not in (x86_const.X86_INS_JMP,
                                                              x86_const.X86_INS_LJMP):
                self.ways[i.address] = (i.operands[0].imm & (1 << 64) - 1, i.address + i.size)
        source = files_of(self.kernel, list(self.ways))
        self.ways = {a: w for a, w in self.ways.items() if not source[a].startswith(LEFT_OUT)}
        self.file = source

    def _instructions(self, engine, elf):
        """Function by function: what lies between two is no code."""
        starts = sorted(
            {s.address
             for s in elf.code_symbols() if self.start <= s.address < self.end}) + [self.end]
        for begin, end in zip(starts, starts[1:]):
            yield from engine.disasm(elf.read(begin, end - begin), begin)

    def last(self, block: int) -> int | None:
        """The jump that ends the block at @block."""
        i = bisect.bisect_left(self.jumps, block)
        return self.jumps[i] if i < len(self.jumps) else None


def follow(stream, code: Code, seen: set[tuple[int, int]]) -> None:
    """Note in @seen each (conditional jump, where it went) of QEMU's log."""
    pending: dict[bytes, int] = {}      # per CPU: the block that ran last
    pairs = set()
    for line in stream:
        found = LINE.match(line)
        if found:
            cpu, block = found[1], int(found[2], 16)
            pairs.add((pending.get(cpu), block))
            pending[cpu] = block
    for block, following in pairs:
        jump = code.last(block) if block else None
        if jump in code.ways and following in code.ways[jump]:
            seen.add((jump, following))


def run(boot: Boot, code: Code):
    """Boot and follow; (outcome, what was seen)."""
    seen: set[tuple[int, int]] = set()
    with tempfile.TemporaryDirectory(prefix="vestibule-") as directory:
        pipe = os.path.join(directory, "log")
        os.mkfifo(pipe)
        boot.extra = [
            *boot.extra, "-d", "exec,nochain", "-D", pipe, "-dfilter",
            f"{code.start:#x}..{code.end - 1:#x}"
        ]
        # so that neither side waits for the other to open it
        keeper = os.open(pipe, os.O_RDWR)

        def read() -> None:
            with open(pipe, "rb", buffering=1 << 20) as stream:
                opened.set()
                follow(stream, code, seen)
        opened = threading.Event()
        reader = threading.Thread(target=read)
        reader.start()
        opened.wait()
        try:
            outcome = boot.run()
        finally:
            os.close(keeper)
            reader.join()
    return outcome, seen


def report(boot: Boot, calls: int) -> bool:
    """Print what a boot of @calls system calls reached; True when it passed."""
    code = Code(paths.kernel())
    outcome, seen = run(boot, code)
    total, taken = defaultdict(int), defaultdict(int)
    for jump, ways in code.ways.items():
        folder = code.file[jump].split("/")[0]
        total[folder] += 2
        taken[folder] += sum((jump, way) in seen for way in ways)
    for folder in sorted(total):
        print(f"# branches: {folder}: {taken[folder]} of {total[folder]} directions")
    good = outcome.verdict == "pass" and bool(seen)
    machine = boot.name.split("-fuzz")[0]
    print(
        f"{'ok' if good else 'not ok'} - branches: {sum(taken.values())} of "
        f"{sum(total.values())} directions of the "
        f"kernel's {len(code.ways)} conditional branches, seen in a sample: one boot of "
        f"{machine}, {calls} calls, "
        "from its first instruction (entry text and tests/ are not counted)",
        flush=True)
    if not good:
        print("".join(f"# {x}\n" for x in outcome.tail(30)), end="")
    return good
