# SPDX-License-Identifier: MIT
"""mixed.py - processes of every entry design at once: the lanes that run in each design's own boot,
once more with a process of each side by side.

tests=mixed-<tests> gives each process that is spawned the next design in turn (user/init.c), and
tests=as-<design>-<tests> runs a program by one design in the boot of another.
"""
import re

from check import DESIGNS, Boot, Check, Failed, expect, expect_ktap
from guest import USER_MEMORY
from lib import settings
from lib.designs import Design, designs, splits
from racesweep import boots
from underfire.boots import FireError, Sweep, parse
from underfire.boots import boot as fire_boot

SEED = settings.seed()
HOSTS = [d for d in DESIGNS if splits(d)]             # a boot of another runs no other
ALONE, GUEST = ([d.name for d in designs() if splits(d) == split][-1] for split in (False, True))
FUZZ_CALLS = 25_000
PAIRS, PAIR_STRIDE = 8, 31
STRIDE = 5
HANG_AFTER = 900        # seconds; on a busy machine


def lane(host: str, tests: str, cpus: int, **boot) -> Check:
    name = f"{tests}-{cpus}-cpu{'s' * (cpus > 1)}" + "".join(f"-{key}" for key in boot)

    def run() -> str:
        outcome = Boot(f"entry={host} tests=mixed-{tests} seed={SEED}", cpus=cpus,
                       what=f"mixed-{name}", memory=USER_MEMORY, timeout=HANG_AFTER, **boot).run()
        return expect_ktap(outcome)
    return Check(f"mixed.{name}", run)


def torture_check(host: str) -> Check:
    def run() -> str:
        outcome = expect(
            Boot(f"entry={host} tests=mixed-torture-2000 seed={SEED}", cpus=4,
                 what="mixed-torture", timeout=HANG_AFTER).run(), "pass")
        return re.search(r"^torture: (seed .*)$", outcome.text, re.M)[1]
    return Check("mixed.torture", run)


def races_check(host: str) -> Check:
    def run() -> str:
        try:
            swept = boots.sample(host, PAIRS, PAIR_STRIDE, SEED + len(DESIGNS), mixed=True)
        except boots.RaceError as error:
            raise Failed(error.args[0], error.args[1]) from None
        held = sum(p.held for ys in swept.pairs.values() for p in ys.values())
        if not held:
            raise Failed("X was never held")
        return f"held at {held} instructions, seed {SEED}"
    return Check("mixed.races", run)


def fire_check(host: Design, design: Design) -> Check:
    """NMIs and breakpoints while a CPU changes from @design to each other one, and back: each
    design's own boot has its own, but that of one table, which runs no other."""
    def run() -> str:
        found = Sweep()
        try:
            parse(fire_boot(host, ["switch_design", str(STRIDE)], seed=SEED, what="mixed-fire",
                            by=design.name).text, found)
        except FireError as error:
            raise Failed(error.args[0], error.args[1]) from None
        return f"{found.shots} events, seed {SEED}"
    return Check(f"mixed.fire-{design.name}", run)


def demo_check() -> Check:
    """run=designs, as GRUB's menu has it: a line and a row for each design, with a figure."""
    def run() -> str:
        outcome = expect(Boot("run=designs", cpus=2, mode="iso-bios", what="mixed-demo",
                              until="The machine is yours").run(), "reached",
                         *(rf"^  {re.escape(d.name)} +the cheapest of my 1000 .* [1-9]\d* TSC ticks"
                           for d in designs()),
                         *(rf"^  {re.escape(d.name)} +[1-9]\d* +\d+\.\d\d  " for d in designs()))
        chosen = len(re.findall(rf"^spawn: process 2 chose the entry design {ALONE} ",
                                outcome.text, re.M))
        if not chosen:
            raise Failed("nobody is told that a process runs without isolation", outcome.tail(30))
        return f"{len(designs())} designs"
    return Check("mixed.demo", run)


def alone_check() -> Check:
    """The boot of a design without isolation runs no other, and says why."""
    def run() -> None:
        expect(Boot(f"entry={ALONE} run=designs", what="alone-demo",
                    until="The machine is yours").run(), "reached",
               rf"^spawn: no process can have the entry design {GUEST}: the whole kernel is Global",
               rf"^  {GUEST} +- +-  ")
    return Check(f"{ALONE}.runs-alone", run)


def checks() -> list[Check]:
    found = []
    for design in DESIGNS:
        if design not in HOSTS and HOSTS:
            found.append(fire_check(HOSTS[0], design))
    if not HOSTS:           # ENTRY= names one that runs alone
        return found[:0]
    a, b, c = [d.name for d in HOSTS * 3][:3]
    return found + [
        demo_check(), alone_check(),
        lane(a, "test_lifetimes", 1), lane(b, "user", 4), lane(c, "smp", 2), lane(a, "smp", 8),
        lane(b, f"fuzz-{FUZZ_CALLS}", 4, icount=True),
        torture_check(c), races_check(a)
    ]
