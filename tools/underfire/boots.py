# SPDX-License-Identifier: MIT
"""The boots of tests/programs/fire, and what they print or log.

A sweep boot reports where NMIs and breakpoints came: `fire: <path> <kind> <shots>` and FIRE lines
of offset:state (tests/kernel/fire.h).  A trace boot takes the same paths undisturbed, one
instruction to a translation block, while QEMU logs every address in entry text.
"""
import re
from dataclasses import dataclass, field

from lib import paths
from lib.boots import Boot
from lib.constants import constants
from lib.elf import built_kernel

from .pieces import Pieces

LINE = re.compile(r"^fire: (\w+) (nmi|db|held|mc) (\d+)$")
TRACE = re.compile(r"Trace (\d+): \w+ \[\w+/(\w+)/")
CELL = re.compile(r"([0-9a-f]+):([0-9a-f]+)")
KIND_OF = {"held": "nmi"}           # an NMI, whatever brought it
KIND_OF_4 = {"held": "nmi_4cpus"}   # with four CPUs it comes from another one
PAIR_PATHS = "syscall_migrate"      # these need two CPUs; their names start so
HANG_AFTER = 600                    # seconds: an exhaustive boot on a busy machine


class FireError(Exception):
    """A boot went wrong; the second argument, when there is one, is the end of its log."""


@dataclass
class Sweep:
    """What one design's boots saw: seen[path][kind] is {offset: state bits}."""
    seen: dict = field(default_factory=dict)
    shots: int = 0

    def union(self, kind):
        """Offsets that any path saw."""
        return set().union(*(kinds.get(kind, {}) for kinds in self.seen.values()))

    def states(self):
        """{offset: all state bits}, over paths and kinds."""
        found = {}
        for kinds in self.seen.values():
            for cells in kinds.values():
                for offset, state in cells.items():
                    found[offset] = found.get(offset, 0) | state
        return found


def parse(text, sweep, kind_of=KIND_OF):
    """Add what @text, a sweep's serial output, reports. @kind_of renames kinds; None: not
    wanted."""
    cells = None
    for line in text.splitlines():
        if found := LINE.match(line):
            kind = kind_of.get(found[2], found[2])
            cells = sweep.seen.setdefault(found[1], {}).setdefault(kind, {}) if kind else None
            sweep.shots += int(found[3]) if kind else 0
        elif line.startswith("FIRE ") and cells is not None:
            for offset, state in CELL.findall(line):
                cells[int(offset, 16)] = cells.get(int(offset, 16), 0) | int(state, 16)


def boot(design, words, cpus=1, seed=1, what="fire", icount=True, by="", **machine):
    """A boot of @design with tests=fire-<words> that must pass, @machine as in Boot; @by: name of
    the design by which the program under fire enters, when it is another. Returns its Outcome."""
    tests = "-".join([*([f"as-{by}"] if by else []), "fire", *words])
    b = Boot(f"entry={design.name} tests={tests} seed={seed}", cpus=cpus, icount=icount, what=what,
             timeout=HANG_AFTER, **machine)
    outcome = b.run()
    if outcome.verdict != "pass":
        wrong = [x for x in outcome.lines if x.startswith(("# fire", "not ok", "PANIC"))]
        raise FireError(f"{design.name}, tests={tests} seed={seed}: {outcome.describe()}",
                        wrong[:10] + outcome.tail(30))
    return outcome


def sweep_four(design, found, stride=1, seed=1, own=False):
    """Add NMIs from another CPU over all paths, with four CPUs.  The timer's sweep only shows the
    way."""
    words = ["nmi", "held", *["own"] * own, str(stride)]
    text = boot(design, words, cpus=4, seed=seed, what="fire-four").text
    parse(text, found, {"nmi": None, **KIND_OF_4})


def sweep(design, stride=1, seed=1, own=False):
    """Both kinds of events over all paths, with one CPU, and over those that need two.  @own:
    breakpoints in the design's own text only."""
    found, words = Sweep(), [*["own"] * own, str(stride)]
    parse(boot(design, words, seed=seed, what="fire").text, found)
    for path in (PAIR_PATHS + "_in", PAIR_PATHS + "_out"):
        parse(boot(design, [*words, path], cpus=2, seed=seed, what="fire-pair").text, found)
    return found


class Undisturbed:
    """The entry-text offsets that each path executes when nothing comes."""

    def __init__(self, design):
        elf = built_kernel()
        self.pieces = Pieces(design)
        self.marks = {
            elf.address("fire_" + name): name
            for name in ("watch", "start", "arrived", "disarm")
        }
        self.design, self.paths = design, {}
        self._run(1, [])
        for path in ("_in", "_out"):
            self._run(2, [PAIR_PATHS + path])

    def _run(self, cpus, words):
        log = paths.build() / "log" / f"{self.design.name}-{cpus}-fire-trace.exec"
        log.parent.mkdir(parents=True, exist_ok=True)
        ranges = ",".join([f"{start:#x}..{end - 1:#x}" for start, end in self.pieces.ranges]
                          + [f"{a:#x}+1" for a in self.marks])
        extra = ["-d", "exec,nochain", "-D", str(log), "-dfilter", ranges]
        outcome = boot(self.design, ["trace", *words],
                       cpus,
                       what="fire-trace",
                       one_insn=True,
                       extra=extra)
        names = re.findall(r"^ok \d+ - (\w+)$", outcome.text, re.M)
        windows = self._windows(log)
        log.unlink()
        if len(windows) != 2 * len(names):      # each path once to warm up, once to be traced
            raise FireError(
                f"{self.design.name}: {len(windows)} traced windows for {len(names)} paths")
        for i, name in enumerate(names):
            self.paths[name] = windows[2 * i + 1]

    def _windows(self, log):
        """The set of offsets of each run: what the CPU that was armed executes until it is
        disarmed."""
        found, armed = [], None
        with open(log, encoding="utf-8") as lines:
            for cpu, address in map(self._parse, filter(TRACE.match, lines)):
                mark = self.marks.get(address)
                if mark == "watch":
                    found.append(set())
                elif mark:
                    armed = cpu if mark == "start" else None
                elif cpu == armed:
                    found[-1].add(self.pieces.offset(address))
        return found

    @staticmethod
    def _parse(line):
        """(CPU, address) of QEMU's `Trace 0: 0x7f.. [cs base/pc/flags/cflags]`."""
        found = TRACE.match(line)
        return int(found[1]), int(found[2], 16)


def state_bits():
    """{bit: (part, word)} of the SEEN_* constants, as the state notes call them."""
    words = {}
    for name, bit in constants().items():
        if found := re.fullmatch(r"SEEN_(CR3|GS|RSP|IF)_(\w+)", name):
            words[bit] = (found[1].lower(), found[2].lower())
    return words


__all__ = [
    "FireError", "Sweep", "Undisturbed", "boot", "parse", "state_bits", "sweep", "sweep_four"
]
