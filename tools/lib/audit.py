# SPDX-License-Identifier: MIT
"""audit.py - compare the supervisor pages of every process's user root with what they must be.

The list is worked out here, from the ELF's symbols, the constants of mm/layout.h, the registry's
design and entry/exposure.json, and from AUDIT-FACT lines: frames that the kernel's own pointers
name.  Nothing comes from the code that maps.  The AUDIT lines are the page tables' side.
"""
import json
import re
from collections import namedtuple
from pathlib import Path

from .auditregions import check_regions
from .constants import constants
from .designs import designs
from .elf import Elf
from .paths import ROOT

PAGE = 4096
RIGHTS = (("W", "is writable", "is not writable"), ("X", "is executable", "is not executable"),
          ("G", "is Global", "is not Global"), ("U", "is open to user mode",
                                                "is closed to user mode"))

Run = namedtuple("Run", "va pa pages rights")                   # rights: a set of letters
Thread = namedtuple("Thread", "tid trampoline frame stack_top")
Wanted = namedtuple("Wanted", "frame rights name")


class Dump:
    """One audit as the log has it: the facts, and per process its threads and runs of pages."""

    def __init__(self, design: str, global_pages: bool):
        self.design, self.global_pages = design, global_pages
        self.ram_end = self.idt = 0
        self.cpus: dict[int, dict[int, int]] = {}           # CPU -> page of its block -> frame
        self.body_stacks: list[int] = []                    # tops
        self.threads: dict[int, list[Thread]] = {}
        self.runs: dict[int, list[Run]] = {}
        self.ended: set[int] = set()

    def fact(self, kind: str, words: list[str]) -> None:
        values = [int(w, 0) for w in words]
        if kind == "ram-end":
            self.ram_end = values[0]
        elif kind == "idt":
            self.idt = values[0]
        elif kind == "cpu":
            self.cpus.setdefault(values[0], {})[values[1]] = values[2]
        elif kind == "body-stack":
            self.body_stacks.append(values[1])
        elif kind == "thread":
            self.threads.setdefault(values[0], []).append(Thread(*values[1:]))
        else:
            raise ValueError(f"AUDIT-FACT {kind}: not known here")


def parse(text: str) -> list[Dump]:
    """Every audit of a log."""
    dumps = []
    for line in text.splitlines():
        words = line.split()
        if line.startswith("AUDIT-FACT start "):
            dumps.append(Dump(words[2], words[3] == "global"))
        elif line.startswith("AUDIT-FACT "):
            dumps[-1].fact(words[1], words[2:])
        elif line.startswith("AUDIT-END "):
            dumps[-1].ended.add(int(words[1]))
        elif found := re.fullmatch(r"AUDIT (\d+) (0x\w+) (0x\w+) (\d+) ([WXGU-]{4})", line):
            run = Run(int(found[2], 16), int(found[3], 16), int(found[4]), set(found[5]) - {"-"})
            dumps[-1].runs.setdefault(int(found[1]), []).append(run)
    return dumps


class Expected:
    """The supervisor pages that a user root must show: {virtual address: Wanted}."""

    def __init__(self, dump: Dump, elf: Elf, layout: dict[str, int], exposure: dict[str, bool]):
        self.dump, self.elf, self.layout, self.exposure = dump, elf, layout, exposure
        self.everything_global = not exposure["split"]

    def _rights(self, letters: str) -> set[str]:
        rights = set(letters) | ({"G"} if self.everything_global else set())
        return rights if self.dump.global_pages else rights - {"G"}

    def image(self, symbol: str, letters: str, name: str) -> dict[int, Wanted]:
        """The pages between @symbol_start and @symbol_end: the frame follows from the address."""
        pages = range(self.elf.address(symbol + "_start"), self.elf.address(symbol + "_end"), PAGE)
        return {
            va: Wanted(va - self.layout["KERNEL_IMAGE_BASE"], self._rights(letters), name)
            for va in pages
        }

    def cpu_entry_area(self) -> dict[int, Wanted]:
        at, pages = self.layout, {"GDT": "G", "TSS": "G", "NMI_STACK": "WG", "DB_STACK": "WG",
                                  "DF_STACK": "WG", "MC_STACK": "WG", "DOOR": "WG"}
        if self.exposure["entry_stack"]:
            pages["ENTRY_STACK"] = "WG"
        if not self.exposure["split"]:
            pages["PRIVATE"] = "W"
        found = {at["CPU_ENTRY_AREA_BASE"]: Wanted(self.dump.idt, self._rights("G"), "IDT")}
        for cpu, frames in self.dump.cpus.items():
            block = at["CEA_FIRST_BLOCK"] + cpu * at["CEA_BLOCK_PAGES"] * PAGE
            for name, letters in pages.items():
                page = at[f"CEA_{name}_PAGE"]
                found[block + page * PAGE] = Wanted(
                    frames.get(page, 0), self._rights(letters),
                    f"CPU {cpu}'s {name.lower().replace('_', ' ')} page")
        return found

    def trampolines(self, pid: int) -> dict[int, Wanted]:
        if not self.exposure["trampolines"]:
            return {}
        return {t.trampoline: Wanted(t.frame, self._rights("W"), f"thread {t.tid}'s trampoline")
                for t in self.dump.threads.get(pid, [])}

    def user_root(self, pid: int, ident: str, name: str) -> dict[int, Wanted]:
        """All of it, in a design that splits."""
        kind = self.exposure["shared"]
        return {**self.image(f"entry_{kind}_text", "XG", "its kind's entry text"),
                **self.image(f"entry_{kind}_rodata", "G", "its kind's entry rodata"),
                **self.image(f"entry_{ident}_text", "XG", f"{name}'s entry text"),
                **self.image(f"entry_{ident}_rodata", "G", f"{name}'s entry rodata"),
                **self.cpu_entry_area(), **self.trampolines(pid)}


def compare_page(va: int, frame: int, rights: set[str], wanted: Wanted) -> list[str]:
    problems = []
    if frame != wanted.frame:
        problems.append(
            f"{wanted.name} at 0x{va:x} shows frame 0x{frame:x}, not 0x{wanted.frame:x}")
    for letter, has, lacks in RIGHTS:
        if (letter in rights) != (letter in wanted.rights):
            problems.append(f"{wanted.name} at 0x{va:x} {has if letter in rights else lacks}")
    return problems


def compare_exactly(runs: list[Run], wanted: dict[int, Wanted]) -> list[str]:
    """Page by page: every page that is there is wanted, and every wanted page is there."""
    problems, seen = [], set()
    for run in runs:
        for va in range(run.va, run.va + run.pages * PAGE, PAGE):
            frame = run.pa + va - run.va
            seen.add(va)
            if va in wanted:
                problems += compare_page(va, frame, run.rights, wanted[va])
            else:
                problems.append(
                    f"a page at 0x{va:x} shows frame 0x{frame:x}, and no page belongs there")
    return problems + [
        f"{wanted[va].name} at 0x{va:x} is missing" for va in sorted(set(wanted) - seen)
    ]


def lower_half(runs: list[Run], layout: dict[str, int]) -> tuple[list[str], list[Run]]:
    """What the dump shows of the lower half is wrong, whatever it is; and the runs above it."""
    problems = []
    for run in runs:
        if run.va < layout["DIRECT_MAP_BASE"]:
            what = ("is Global" if "G" in run.rights else "is closed to user mode")
            problems.append(f"the program's page at 0x{run.va:x} {what}")
    return problems, [run for run in runs if run.va >= layout["DIRECT_MAP_BASE"]]


def check_facts(dump: Dump, image_end: int) -> list[str]:
    """The facts among themselves: no frame serves twice, none is the image's, all are RAM."""
    frames = [dump.idt] + [f for cpu in dump.cpus.values() for f in cpu.values()]
    frames += [t.frame for threads in dump.threads.values() for t in threads if t.trampoline]
    problems = [
        f"two of the kernel's pointers name frame 0x{f:x}" for f in set(frames)
        if frames.count(f) > 1
    ]
    return problems + [
        f"the kernel's pointers name frame 0x{f:x}, which is not free RAM"
        for f in frames if not image_end <= f < dump.ram_end
    ]


def check_dump(dump: Dump, elf: Elf, layout: dict[str, int], root: Path) -> list[str]:
    ident = next((d.ident for d in designs(root / "entry" / "registry.h") if d.name == dump.design),
                 None)
    exposure = json.loads(
        (root / "entry" / "exposure.json").read_text())["designs"].get(dump.design)
    if ident is None or exposure is None:
        return [f"{dump.design}: not in entry/registry.h and entry/exposure.json: add it there"]
    expected = Expected(dump, elf, layout, exposure)
    problems = check_facts(dump, elf.address("kernel_end_pa"))
    for pid in sorted(dump.threads):
        if pid not in dump.ended:
            problems.append(f"process {pid}: the dump is cut off")
            continue
        wrong, runs = lower_half(dump.runs.get(pid, []), layout)
        if exposure["split"]:
            wrong += compare_exactly(runs, expected.user_root(pid, ident, dump.design))
        else:
            wrong += check_regions(runs, expected, compare_exactly)
        problems += [f"process {pid}: {p}" for p in wrong]
    return problems


def check(text: str, elf: Elf, root: Path = ROOT) -> list[str]:
    """What is wrong with the user roots of a boot, as sentences; empty when nothing is.
    @text: its serial log; @elf: the kernel that booted; @root: the source tree."""
    layout = constants()
    dumps = parse(text)
    if not any(dump.threads for dump in dumps):
        return ["the log has no audit: boot with tests=test_audit"]
    return [problem for dump in dumps for problem in check_dump(dump, elf, layout, root)]
