#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""torture.py - every design under fire and under load, for as long as it takes: `make torture`.

First by exhaustion: an NMI and a breakpoint at every instruction of every path into the kernel and
out of it with one CPU (migration: two), an NMI from another CPU with four, 200 machine checks from
the host at instructions chosen by the seed.  The coverage is printed and written to
build/torture/coverage.json; less than all of it fails. Then tests/programs/torture: everything at
once on several CPUs, NMIs among them, for a long time.

Environment: ENTRY= one design (all of the registry), CPUS= (4), SECONDS= of guest time per design
(600; 0: only the first part), SEED= (1), ICOUNT=1 for a run that counts instructions instead: a
second is then a billion of them; THREADS=1 for nothing but threads and processes that come and go,
without the first part.  MIXED=1: only the last run.

The last run has processes of every design at once, in the boot of the last of the registry
(tests=mixed-...); with ENTRY= there is none, unless it is asked for.

Prints the guest's phases as they come, a line per design, and as the last line `N passed, N
failed`.
"""
import sys
import time

from lib import longrun, paths, settings
from lib.boots import Boot
from lib.designs import chosen, designs
from underfire import machine_checks
from underfire.boots import FireError
from underfire.report import Report

# times the guest's seconds (a slow host), and what starting and settling may take
PATIENCE = 8
SETTLING = 300
MOST_CPUS, MOST_SECONDS = 64, 1_000_000
MACHINE_CHECKS = 200                    # per design


def run(design, cpus, seconds, seed, icount, what):
    """Boot @design; True when it passed."""
    boot = Boot(cmdline=f"entry={design} tests={what}-{seconds * 1000} seed={seed}",
                cpus=cpus,
                icount=icount,
                what=f"{what}-{seed}",
                timeout=seconds * PATIENCE + SETTLING)
    return longrun.passes(boot, "torture", f"{design}, {cpus} CPUs")


def explain(error):
    print("\n".join(f"# {x}" for x in (error.args[1] if len(error.args) > 1 else [])))


def under_fire(design, report):
    """Every instruction of @design's paths; True when every boot passed.  The coverage is judged
    later."""
    start = time.monotonic()
    try:
        shots = report.run(design)
        came = machine_checks.send(design, report.texts[design.name],
                                   report.undisturbed[design.name], report.seed, MACHINE_CHECKS)
    except FireError as error:
        print(f"not ok - {design.name} under fire: {error.args[0]}")
        explain(error)
        return False
    print(
        f"ok - {design.name} under fire: {shots} NMIs and breakpoints, {len(came)} machine checks "
        f"({time.monotonic() - start:.0f} s)",
        flush=True)
    return True


def exhaust(wanted, seed):
    """The first part; a list of what passed."""
    report = Report(seed)
    results = [under_fire(d, report) for d in wanted]
    if not all(results):
        return results
    coverage = paths.build() / "torture" / "coverage.json"
    report.write(coverage)
    report.print()
    problems = report.problems(all_designs=len(wanted) == len(designs()))
    print("".join(f"# {x}\n" for x in problems) +
          f"{'not ok' if problems else 'ok'} - coverage, in {coverage}")
    return results + [not problems]


def main():
    cpus, seed = settings.number("CPUS", 4, 1, MOST_CPUS), settings.seed()
    seconds = settings.number("SECONDS", 600, 0, MOST_SECONDS)
    icount, threads = settings.yes("ICOUNT"), settings.yes("THREADS")
    wanted, only_mixed = chosen(), settings.yes("MIXED")
    results = [] if threads or only_mixed else exhaust(wanted, seed)
    what = "torture-threads" if threads else "torture"
    runs = [] if only_mixed else [(d.name, what) for d in wanted]
    if only_mixed or len(wanted) == len(designs()):
        runs.append((wanted[-1].name, f"mixed-{what}"))
    if seconds:
        results += [run(design, cpus, seconds, seed, icount, what) for design, what in runs]
    return longrun.tally(results)


if __name__ == "__main__":
    sys.exit(main())
