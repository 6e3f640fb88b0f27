#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""floors.py - which part of the kernel stands on which: prints the floors, and what is built
against them.

An include points to the same floor or down. A .c and its .h are one room; rooms that include each
other in a circle are at most MOST_ROOMS. The panic may look at everything, and everybody may panic;
what is generated from all headers is no part of the house. Status 1 when anything is built against
the rules.
"""
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_ROOMS = 4

# From the ground up: (folder, what it is).
FLOORS = [
    ("kernel/lib", "strings, formats, lists: what needs nothing"),
    ("arch/x86_64",
     "the processor: instructions, descriptors, the local APIC, the UART, calls to other CPUs"),
    ("kernel/sync", "locks"),
    ("kernel/console", "printk and the panic"),
    ("boot", "the first instructions, and what the loader said"),
    ("mm", "frames, page tables, TLB coherence, address spaces"),
    ("arch/x86_64/pc", "what a PC has around its processors: ACPI, IOAPICs, timers to measure by"),
    ("kernel/sched", "threads on CPUs"),
    ("kernel/load", "the boot archive and its programs"),
    ("kernel/object", "processes, threads, their numbers, their ends"),
    ("kernel/trap", "exceptions, and the way to user mode"),
    ("entry", "the designs, and the common C behind them"),
    ("kernel", "system calls, the other CPUs' start, main()"),
]
# Headers without code that every floor may include.
GROUND = {"kernel/abi.h", "mm/layout.h", "entry/design.h", "arch/x86_64/trapframe.h"}
EXEMPT = {"kernel/console/panic", "arch/x86_64/asm-offsets"}


def room(path: str) -> str:
    return os.path.splitext(path)[0]


def files(root: Path) -> dict[str, list[str]]:
    """Each C file and header of the floors, with the project's files that it includes."""
    found = {}
    for folder, _ in FLOORS:
        for path in sorted((root / folder).glob("*.[ch]")):
            name = str(path.relative_to(root))
            words = re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.M)
            near = [w if (root / w).exists() else str(Path(name).parent / w) for w in words]
            found[name] = [os.path.normpath(w) for w in near if (root / w).exists()]
    return found


def floor_of(path: str):
    """Its number; -1: the ground; None: it is no part of the house."""
    if path in GROUND:
        return -1
    return next((n for n, (folder, _) in enumerate(FLOORS) if os.path.dirname(path) == folder),
                None)


def pointing_up(found) -> list[str]:
    wrong = []
    for name, included in found.items():
        for other in included:
            here, there = floor_of(name), floor_of(other)
            if {room(name), room(other)} & EXEMPT or here is None or there is None:
                continue
            if there > here and name not in GROUND:
                wrong.append(f"{name} includes {other}, which is above it")
            elif name in GROUND and there > here and there >= 2:
                wrong.append(f"{name} lies on the ground and includes {other}")
    return wrong


def circles(found) -> list[list[str]]:
    """Rooms that include each other, the largest circle first (Tarjan)."""
    edges = {}
    for name, included in found.items():
        if room(name) not in EXEMPT:
            edges.setdefault(room(name), set()).update(
                room(o) for o in included if room(o) not in EXEMPT | {room(name)})
    index, low, stack, on, result = {}, {}, [], set(), []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        on.add(v)
        for w in edges.get(v, ()):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in on:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            circle = []
            while not circle or circle[-1] != v:
                circle.append(stack.pop())
                on.discard(circle[-1])
            if len(circle) > 1:
                result.append(sorted(circle))

    for v in list(edges):
        if v not in index:
            visit(v)
    return sorted(result, key=len, reverse=True)


def main(root: Path = ROOT) -> int:
    found = files(root)
    for n in range(len(FLOORS) - 1, -1, -1):
        folder, what = FLOORS[n]
        rooms = sorted({room(f) for f in found if os.path.dirname(f) == folder and f not in GROUND})
        print(f"{folder}: {what}\n    {' '.join(os.path.basename(r) for r in rooms)}")
    print(f"the ground: {' '.join(sorted(GROUND))}")
    wrong = pointing_up(found)
    for circle in circles(found):
        print(f"a circle of {len(circle)}: {' '.join(circle)}")
        if len(circle) > MOST_ROOMS:
            wrong.append(
                f"a circle of {len(circle)} rooms, at most {MOST_ROOMS}: {' '.join(circle)}")
    print(*wrong, f"{len(found)} files, {len(wrong)} against the rules", sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.setrecursionlimit(10000)
    sys.exit(main())
