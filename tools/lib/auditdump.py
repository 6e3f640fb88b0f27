# SPDX-License-Identifier: MIT
"""auditdump.py - an audit as a boot's log has it: the kernel's facts, and each process's runs of
pages.

AUDIT-FACT lines are what the kernel's own pointers name; AUDIT lines are the page tables' side
(tests/probe/audit.h).
"""
import re
from collections import namedtuple
from dataclasses import dataclass, field

Run = namedtuple("Run", "va pa pages rights")                   # rights: a set of letters
Thread = namedtuple("Thread", "tid trampoline frame stack_top")


@dataclass
class Process:
    """@design: its name; @ended: the dump of its pages is complete."""
    design: str
    threads: list[Thread] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    ended: bool = False


class Dump:
    """One audit. @boot: the name of the design that the boot chose."""

    def __init__(self, boot: str, global_pages: bool):
        self.boot, self.global_pages = boot, global_pages
        self.ram_end = 0
        self.idts: dict[str, int] = {}                      # of designs that this boot can run
        self.cpus: dict[int, dict[int, int]] = {}           # CPU -> page of its block -> frame
        self.body_stacks: list[int] = []                    # tops
        self.processes: dict[int, Process] = {}

    def threads(self) -> list[Thread]:
        return [t for p in self.processes.values() for t in p.threads]

    def fact(self, kind: str, words: list[str]) -> None:
        if kind == "idt":
            if frame := int(words[1], 0):
                self.idts[words[0]] = frame
        elif kind == "process":
            self.processes[int(words[0])] = Process(words[1])
        else:
            self._number(kind, [int(w, 0) for w in words])

    def _number(self, kind: str, values: list[int]) -> None:
        if kind == "ram-end":
            self.ram_end = values[0]
        elif kind == "cpu":
            self.cpus.setdefault(values[0], {})[values[1]] = values[2]
        elif kind == "body-stack":
            self.body_stacks.append(values[1])
        elif kind == "thread":
            self.processes[values[0]].threads.append(Thread(*values[1:]))
        else:
            raise ValueError(f"AUDIT-FACT {kind}: not known here")


def parse(text: str) -> list[Dump]:
    """Every audit of a log."""
    dumps: list[Dump] = []
    for line in text.splitlines():
        words = line.split()
        if line.startswith("AUDIT-FACT start "):
            dumps.append(Dump(words[2], words[3] == "global"))
        elif line.startswith("AUDIT-FACT "):
            dumps[-1].fact(words[1], words[2:])
        elif line.startswith("AUDIT-END "):
            dumps[-1].processes[int(words[1])].ended = True
        elif found := re.fullmatch(r"AUDIT (\d+) (0x\w+) (0x\w+) (\d+) ([WXGU-]{4})", line):
            run = Run(int(found[2], 16), int(found[3], 16), int(found[4]), set(found[5]) - {"-"})
            dumps[-1].processes[int(found[1])].runs.append(run)
    return dumps
