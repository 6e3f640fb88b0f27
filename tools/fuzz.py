#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fuzz.py - random and half-right system calls from many threads, in every design: `make fuzz`.

Environment: N= system calls per design (100 million), SEED= (1), ENTRY= one design (all of the
registry), CPUS= (4), ICOUNT=1 for a run that counts instructions: the same seed then makes the same
calls at the same instructions, on one host thread.  BRANCHES= calls whose way through the kernel is
followed, in a run of its own (5000; 0: none).

Prints the guest's progress as it comes, a line per design, and as the last line `N passed, N
failed`. A run that fails says with which command it is repeated.
"""
import sys

from lib import branches, longrun, settings
from lib.boots import Boot
from lib.designs import chosen

CALLS, MOST_CALLS, MOST_CPUS = 100_000_000, 10**12, 64
SAMPLE = 5000
# seconds, and calls in one, of the slowest host: both only detect hangs
SETTLING, SLOWEST = 600, 2000


def boot(design: str, calls: int, seed: int, cpus: int, icount: bool) -> Boot:
    return Boot(cmdline=f"entry={design} tests=fuzz-{calls} seed={seed}", cpus=cpus, icount=icount,
                what=f"fuzz-{seed}", timeout=SETTLING + calls / SLOWEST)


def repeat(design: str, calls: int, seed: int, cpus: int, icount: bool) -> str:
    """The command that makes the same calls again."""
    return (f"make fuzz SEED={seed} N={calls} ENTRY={design} CPUS={cpus}" +
            (" ICOUNT=1" if icount else "") + " BRANCHES=0")


def run(design: str, calls: int, seed: int, cpus: int, icount: bool) -> bool:
    return longrun.passes(boot(design, calls, seed, cpus, icount), "fuzz", design,
                          f"seed {seed}; again: {repeat(design, calls, seed, cpus, icount)}")


def main() -> int:
    cpus, seed = settings.number("CPUS", 4, 1, MOST_CPUS), settings.seed()
    calls, sample = settings.number("N", CALLS, 1,
                                    MOST_CALLS), settings.number("BRANCHES", SAMPLE, 0, MOST_CALLS)
    icount = settings.yes("ICOUNT")
    wanted = [d.name for d in chosen()]
    results = [run(design, calls, seed, cpus, icount) for design in wanted]
    if sample:
        results.append(branches.report(boot(wanted[-1], sample, seed, cpus, icount=True), sample))
    return longrun.tally(results)


if __name__ == "__main__":
    sys.exit(main())
