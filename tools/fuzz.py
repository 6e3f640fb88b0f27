#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fuzz.py - random and half-right system calls from many threads, in every design: `make fuzz`.

Environment: N= system calls per design (100 million), SEED= (1), ENTRY= one design (all of the
registry, and then processes of every design at once; MIXED=1: only that), CPUS= (4), ICOUNT=1 for a
run that counts instructions: the same seed then makes the same calls at the same instructions, on
one host thread.  BRANCHES= calls whose way through the kernel is followed, in a run of its own
(5000; 0: none).

Prints the guest's progress as it comes, a line per design, and as the last line `N passed, N
failed`. A run that fails says with which command it is repeated.
"""
import sys

from lib import branches, longrun, settings
from lib.boots import Boot
from lib.designs import chosen, designs

CALLS, MOST_CALLS, MOST_CPUS = 100_000_000, 10**12, 64
SAMPLE = 5000
# seconds, and calls in one, of the slowest host: both only detect hangs
SETTLING, SLOWEST = 600, 2000


def boot(design: str, calls: int, seed: int, cpus: int, icount: bool, mixed: bool = False) -> Boot:
    tests = f"{'mixed-' * mixed}fuzz-{calls}"
    return Boot(cmdline=f"entry={design} tests={tests} seed={seed}", cpus=cpus, icount=icount,
                what=f"{'mixed-' * mixed}fuzz-{seed}", timeout=SETTLING + calls / SLOWEST)


def repeat(design: str, calls: int, seed: int, cpus: int, icount: bool, mixed: bool = False) -> str:
    """The command that makes the same calls again."""
    return (f"make fuzz SEED={seed} N={calls} ENTRY={design} CPUS={cpus}" +
            " MIXED=1" * mixed + " ICOUNT=1" * icount + " BRANCHES=0")


def run(design: str, calls: int, seed: int, cpus: int, icount: bool, mixed: bool = False) -> bool:
    how = (design, calls, seed, cpus, icount, mixed)
    return longrun.passes(boot(*how), "fuzz", "mixed" if mixed else design,
                          f"seed {seed}; again: {repeat(*how)}")


def main() -> int:
    cpus, seed = settings.number("CPUS", 4, 1, MOST_CPUS), settings.seed()
    calls, sample = settings.number("N", CALLS, 1,
                                    MOST_CALLS), settings.number("BRANCHES", SAMPLE, 0, MOST_CALLS)
    icount = settings.yes("ICOUNT")
    wanted, only_mixed = [d.name for d in chosen()], settings.yes("MIXED")
    results = [] if only_mixed else [run(d, calls, seed, cpus, icount) for d in wanted]
    if only_mixed or len(wanted) == len(designs()):
        results.append(run(wanted[-1], calls, seed, cpus, icount, mixed=True))
    if sample:
        results.append(branches.report(boot(wanted[-1], sample, seed, cpus, icount=True), sample))
    return longrun.tally(results)


if __name__ == "__main__":
    sys.exit(main())
