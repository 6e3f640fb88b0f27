# SPDX-License-Identifier: MIT
"""audit.py - compare the supervisor pages of every process's user root with what they must be.

A process is judged by its own design.  The list is worked out here, from the ELF's symbols, the
constants of mm/layout.h, the registry and entry/exposure.json, and from AUDIT-FACT lines: frames
that the kernel's own pointers name, and which design a process has.  Nothing comes from the code
that maps.

Global: in the boot of a design that does not split all of the kernel half.  In any other boot, in
which processes of all designs may run, what has one frame at its address in every root, with the
same rights, and tells nobody anything: entry text and rodata, and of the CPU entry area IDTs,
GDTs, TSSs, IST stacks and door pages.
"""
from bisect import bisect_left
from collections import namedtuple
from pathlib import Path

from .auditdump import Dump, Process, Run, parse
from .auditregions import check_regions
from .constants import constants
from .designs import Design, designs, exposures
from .elf import Elf
from .paths import ROOT

PAGE = 4096
RIGHTS = (("W", "is writable", "is not writable"), ("X", "is executable", "is not executable"),
          ("G", "is Global", "is not Global"), ("U", "is open to user mode",
                                                "is closed to user mode"))
# Of a CPU's block, in every user root.
BLOCK_PAGES = {"GDT": "G", "TSS": "G", "NMI_STACK": "WG", "DB_STACK": "WG", "DF_STACK": "WG",
               "MC_STACK": "WG", "DOOR": "WG"}

Wanted = namedtuple("Wanted", "frame rights name")


class Expected:
    """The supervisor pages that a root of @dump must show: {virtual address: Wanted}."""

    def __init__(self, dump: Dump, elf: Elf, root: Path = ROOT):
        self.dump, self.elf, self.layout = dump, elf, constants()
        self.registry = designs(root / "entry" / "registry.h")
        self.exposures = exposures(root)
        self.mixed = bool(self.exposures[dump.boot]["split"])

    def design(self, name: str) -> Design:
        return next(d for d in self.registry if d.name == name)

    def rights(self, letters: str) -> set[str]:
        """@letters, where G says that the page may be Global in a mixed boot."""
        rights = set(letters) | (set() if self.mixed else {"G"})
        return rights if self.dump.global_pages else rights - {"G"}

    def image(self, symbol: str, letters: str, name: str) -> dict[int, Wanted]:
        """The pages between @symbol_start and @symbol_end: the frame follows from the address."""
        pages = range(self.elf.address(symbol + "_start"), self.elf.address(symbol + "_end"), PAGE)
        return {
            va: Wanted(va - self.layout["KERNEL_IMAGE_BASE"], self.rights(letters), name)
            for va in pages
        }

    def entry_image(self, design: Design) -> dict[int, Wanted]:
        """Its own text and rodata, and its kind's."""
        kind = self.exposures[design.name]["shared"]
        return {**self.image(f"entry_{kind}_text", "XG", "its kind's entry text"),
                **self.image(f"entry_{kind}_rodata", "G", "its kind's entry rodata"),
                **self.image(f"entry_{design.ident}_text", "XG", f"{design.name}'s entry text"),
                **self.image(f"entry_{design.ident}_rodata", "G", f"{design.name}'s entry rodata")}

    def cpu_entry_area(self, names: list[str], private: bool) -> dict[int, Wanted]:
        """With the IDTs and entry stacks of the designs @names; @private: and the private pages."""
        at = self.layout
        pages = {at[f"CEA_{name}_PAGE"]: (name.lower().replace("_", " "), letters)
                 for name, letters in BLOCK_PAGES.items()}
        if private:
            pages[at["CEA_PRIVATE_PAGE"]] = ("private", "W")
        found = {}
        for name in names:
            nth = self.exposures[name]["entry_stack"]
            idt = at["CEA_IDT"] + self.registry.index(self.design(name)) * PAGE
            found[idt] = Wanted(self.dump.idts.get(name, 0), self.rights("G"), f"{name}'s IDT")
            if nth is not None:         # a guard page below each
                pages[at["CEA_ENTRY_STACKS_PAGE"] + 2 * nth] = (f"{name} entry stack", "W")
        for cpu, frames in self.dump.cpus.items():
            block = at["CEA_FIRST_BLOCK"] + cpu * at["CEA_BLOCK_PAGES"] * PAGE
            for page, (name, letters) in pages.items():
                found[block + page * PAGE] = Wanted(frames.get(page, 0), self.rights(letters),
                                                    f"CPU {cpu}'s {name} page")
        return found

    def trampolines(self, process: Process) -> dict[int, Wanted]:
        """Those of its threads."""
        return {t.trampoline: Wanted(t.frame, self.rights("W"), f"thread {t.tid}'s trampoline")
                for t in process.threads if t.trampoline}

    def user_root(self, process: Process) -> dict[int, Wanted]:
        """All of it, in a design that splits."""
        return {**self.entry_image(self.design(process.design)),
                **self.cpu_entry_area([process.design], False), **self.trampolines(process)}

    def foreseen(self) -> dict[int, Wanted]:
        """Of the one root that user and kernel share: the kernel's image and the CPU entry area."""
        pages = {**self.image("kernel_text", "X", "kernel text"),
                 **self.image("kernel_rodata", "", "kernel rodata"),
                 **self.image("kernel_data", "W", "kernel data"),
                 **self.image("probe_text", "X", "probe text"),
                 **self.image("probe_rodata", "", "probe rodata"),
                 **self.image("probe_data", "W", "probe data")}
        for design in self.registry:
            pages.update(self.entry_image(design))
        return {**pages, **self.cpu_entry_area(list(self.dump.idts), True)}


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


def check_facts(expected: Expected) -> list[str]:
    """The facts among themselves: no frame serves twice, none is the image's, all are RAM; each
    process has a design that this boot runs, and trampolines where that has them."""
    dump, problems = expected.dump, []
    frames = [*dump.idts.values(), *(f for cpu in dump.cpus.values() for f in cpu.values()),
              *(t.frame for t in dump.threads() if t.trampoline)]
    problems += [
        f"two of the kernel's pointers name frame 0x{f:x}" for f in set(frames)
        if frames.count(f) > 1
    ]
    problems += [
        f"the kernel's pointers name frame 0x{f:x}, which is not free RAM" for f in frames
        if not expected.elf.address("kernel_end_pa") <= f < dump.ram_end
    ]
    problems += [f"{name} has an IDT in a boot that cannot run it" for name in dump.idts
                 if not expected.mixed and name != dump.boot]
    for pid, process in dump.processes.items():
        if process.design not in dump.idts:
            problems.append(f"process {pid} has a design without an IDT, {process.design}")
        has = expected.exposures[process.design]["trampolines"]
        problems += [f"process {pid}: thread {t.tid} has {'no' if has else 'a'} trampoline"
                     for t in process.threads if bool(t.trampoline) != has]
    return problems


def check_global(processes: dict[int, Process]) -> list[str]:
    """A page that one root shows as Global: every root that shows it has the same frame there, with
    the same rights, Global included. For who runs next finds it in the TLB as it was."""
    shown = sorted({va for p in processes.values() for run in p.runs if "G" in run.rights
                    for va in range(run.va, run.va + run.pages * PAGE, PAGE)})
    first: dict[int, tuple[int, int, set[str]]] = {}
    problems = []
    for pid, process in sorted(processes.items()):
        for run in process.runs:
            for va in shown[bisect_left(shown, run.va):bisect_left(shown, run.va
                                                                   + run.pages * PAGE)]:
                other, *there = first.setdefault(va, (pid, run.pa + va - run.va, run.rights))
                if there != [run.pa + va - run.va, run.rights]:
                    problems.append(f"processes {other} and {pid} show different pages at "
                                    f"0x{va:x}, and one is Global")
    return problems


def unknown(dump: Dump, root: Path) -> list[str]:
    """Designs of the dump that the registry or entry/exposure.json does not know."""
    known = {d.name for d in designs(root / "entry" / "registry.h")} & set(exposures(root))
    names = {dump.boot, *dump.idts, *(p.design for p in dump.processes.values())}
    return [f"{name}: not in entry/registry.h and entry/exposure.json: add it there"
            for name in sorted(names - known)]


def check_process(expected: Expected, pid: int) -> list[str]:
    """What process @pid's user root shows, by its own design."""
    process = expected.dump.processes[pid]
    if not process.ended:
        return [f"process {pid}: the dump is cut off"]
    problems, runs = lower_half(process.runs, expected.layout)
    if expected.exposures[process.design]["split"]:
        problems += compare_exactly(runs, expected.user_root(process))
    else:
        problems += check_regions(runs, expected, compare_exactly)
    return [f"process {pid}, {process.design}: {p}" for p in problems]


def check_dump(dump: Dump, elf: Elf, root: Path) -> list[str]:
    if problems := unknown(dump, root):
        return problems
    expected = Expected(dump, elf, root)
    problems = check_facts(expected)
    if expected.mixed:
        problems += check_global(dump.processes)
    for pid in sorted(dump.processes):
        problems += check_process(expected, pid)
    return problems


def check(text: str, elf: Elf, root: Path = ROOT) -> list[str]:
    """What is wrong with the user roots of a boot, as sentences; empty when nothing is.
    @text: its serial log; @elf: the kernel that booted; @root: the source tree."""
    dumps = parse(text)
    if not any(dump.processes for dump in dumps):
        return ["the log has no audit: boot with tests=test_audit"]
    return [problem for dump in dumps for problem in check_dump(dump, elf, root)]
