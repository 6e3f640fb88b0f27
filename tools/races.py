#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""races.py - every pair of calls that share something, at every instruction of the first: `make
races`.

For each pair (X, Y) one CPU is held by an NMI at each instruction of X in turn, while another one
runs Y to its end, or until Y waits for X. docs/testing.md says what is looked at after each run,
and what this finds. The first and the last design of the registry are swept whole, of the others a
sample. The coverage is printed and written to build/races/coverage.json, {X: {Y: [instructions held
at, instructions of X]}}, and of each design to designs.json beside it; one instruction less than
all is a failure.

What a boot reported is kept in build/races/boots.jsonl: an interrupted run of the same image goes
on where it was. Three calls at once, the third while Y waits or is done, and pairs
whose Y is stopped as well, follow.

Environment: ENTRY= this design only, whole; X= Y= these calls only; STRIDE= at every n-th
instruction only (1; where a sample is taken: SAMPLE=, 61); SECOND= likewise where Y is stopped as
well (307; 0: not at all); SEED= (1); JOBS= boots at once (as many as there are CPUs).

Prints a line per design and X, the table, and as the last line `N passed, N failed`.
"""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from lib import paths, settings
from lib.designs import chosen
from lib.elf import built_kernel
from lib.longrun import tally
from mutation.image import image_hash
from racesweep import boots
from racesweep.kept import Kept
from racesweep.report import Report

# Each of these is a boot of its own, and the first ones to be; others share one.
LONG = ("spawn", "exit", "kill", "child_exit", "create_fail", "join_peer", "wait", "unmap",
        "stop_peer")
MOST_TOGETHER = 8
MORE = ("third", "second")
MOST_STRIDE, MOST_JOBS = 100_000, 64


def chosen_designs():
    """[(name, swept whole)]."""
    names = [d.name for d in chosen()]
    return [(n, n in (names[0], names[-1])) for n in names]


def chosen_call(name):
    call = settings.given(name)
    if call and call not in boots.calls():
        settings.refuse(name, f"no such call. Valid: {', '.join(boots.calls())}")
    return call


def carry_out(kept, job):
    """(design, Swept or None). Of one X that is "third" or "second": what boots.more() does."""
    design, xs, y, stride, seed = job
    start = time.monotonic()
    if known := kept.find(job):
        return design, known
    try:
        swept = boots.more(design, xs[0], stride, seed) if xs[0] in MORE else boots.sweep(
            design, xs, stride, seed, y)
        kept.add(job, swept)
    except boots.RaceError as error:
        print(f"not ok - {error.args[0]}\n" + "\n".join(f"# {line}" for line in error.args[1]),
              flush=True)
        return design, None
    held = sum(p.held for ys in swept.pairs.values() for p in ys.values())
    held += sum(m[0] for m in swept.more.values())
    against = sum(len(ys) for ys in swept.pairs.values()) + len(swept.more)
    print(f"ok - {design}: {' '.join(xs)}: {against} sweeps, held at {held} instructions, "
          f"{swept.runs} runs ({time.monotonic() - start:.0f} s)", flush=True)
    return design, swept


def is_long(x):
    return x.startswith(LONG)


def together(xs):
    """@xs, in the table's order, as tuples that a boot sweeps; those that take long come first."""
    names, groups = boots.calls(), []
    for x in xs:
        last = groups[-1][-1] if groups else x
        if names.index(x) == names.index(last) + 1 and len(
                groups[-1]) < MOST_TOGETHER and not is_long(x) and not is_long(last):
            groups[-1].append(x)
        else:
            groups.append([x])
    return sorted(map(tuple, groups), key=lambda group: not is_long(group[0]))


def jobs_of(sweeps, wanted, seed):
    stride = settings.number("STRIDE", 1, 1, MOST_STRIDE)
    sample = settings.number("SAMPLE", 61, 1, MOST_STRIDE)
    second = settings.number("SECOND", 307, 0, MOST_STRIDE)
    jobs = []
    if not settings.given("X") and not settings.given("Y"):
        jobs += [(design, (kind,), "", n, seed) for design, whole in sweeps if whole
                 for kind, n in zip(MORE, (stride, second)) if n]
    groups = together(dict.fromkeys(x for x, _ in wanted))
    jobs += [(design, xs, settings.given("Y"), stride if whole else max(stride, sample), seed)
             for design, whole in sweeps for xs in groups]
    return jobs, stride


def main():
    seed, sweeps = settings.seed(), chosen_designs()
    at_once = settings.number("JOBS", os.cpu_count() or 1, 1, MOST_JOBS)
    only_x, only_y = chosen_call("X"), chosen_call("Y")
    try:
        wanted = [(x, y) for x, y in boots.pairs(sweeps[0][0])
                  if only_x in ("", x) and only_y in ("", y)]
    except boots.RaceError as error:
        sys.exit("\n".join([error.args[0], *error.args[1]]))
    if not wanted:
        settings.refuse("Y", f"it shares nothing with {only_x}: see tests/programs/races/calls.c")
    jobs, stride = jobs_of(sweeps, wanted, seed)
    kept = Kept(paths.build() / "races" / "boots.jsonl", image_hash(paths.build()))
    print(
        f"# {len(wanted)} pairs, {len(sweeps)} designs, seed {seed}; "
        f"{sum(bool(kept.find(j)) for j in jobs)} of "
        f"{len(jobs)} boots are known",
        flush=True)
    report = Report(wanted, [n for n, whole in sweeps if whole and stride == 1])
    with ThreadPoolExecutor(at_once) as pool:
        results = list(pool.map(partial(carry_out, kept), jobs))
    for design, swept in results:
        if swept:
            report.add(design, swept)
    report.print(built_kernel())
    good = [bool(swept) for _, swept in results]
    if all(good):
        folder = paths.build() / "races"
        report.write(folder)
        problems = report.problems()
        print("".join(f"# {x}\n" for x in problems) +
              f"{'not ok' if problems else 'ok'} - coverage, in {folder}")
        good.append(not problems)
    return tally(good)


if __name__ == "__main__":
    sys.exit(main())
