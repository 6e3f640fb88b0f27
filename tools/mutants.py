#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mutants.py - replace each instruction of entry text by NOPs, one at a time: which test notices?

    mutants.py [--entry DESIGN] [--jobs N] [--sample N] [--only WHERE] [--build DIR] [--report]

A mutant is the built kernel with one instruction blanked. It is booted with the killers of
tools/mutation/killers.py in turn until one fails. What a kind of designs shares is mutated once, in
its first design's boots, and of each design's stubs one of each kind. Results are appended to
build/mutants/<text>.jsonl, so an interrupted run goes on where it was. A whole run writes
docs/mutants.md and the list of every mutant, build/mutants/list.md; survivors are explained by
entry/mutants.json.
Status 1: a survivor without an explanation, or an explanation without a survivor.

Environment: ENTRY= one design, or what a kind shares, by its name in entry/exposure.json;
JOBS= workers (2), SAMPLE=n only every n-th instruction.
"""
import argparse
import os
import queue
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from lib import paths, settings
from lib.constants import constants
from lib.designs import designs, kinds
from mutation import report
from mutation.image import image_hash
from mutation.killers import KILLERS
from mutation.lab import Baseline, NotPassing, attempt, key, workshop
from mutation.progress import Progress
from mutation.results import Results, remaining
from mutation.subjects import subjects
from vmeasure.code_figures import entry_ranges

MOST = 100_000      # workers, and the step of a sample


def arguments():
    """The command line; --build is what everything here boots and reads."""
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    env = os.environ.get
    p.add_argument("--entry", default=env("ENTRY", ""), help="one design, or one shared text")
    p.add_argument("--jobs", type=int, default=settings.number("JOBS", 2, 1, MOST), help="workers")
    p.add_argument("--sample", type=int, default=settings.number("SAMPLE", 1, 1, MOST),
                   help="every n-th instruction only")
    p.add_argument("--only",
                   default="",
                   help="only where the place begins so, e.g. syscall_entry.work")
    p.add_argument("--build", default=paths.build())
    p.add_argument("--report", action="store_true", help="boot nothing, report what is known")
    args = p.parse_args()
    args.build = paths.use_build(args.build)
    return args


class Run:
    """One text's mutants, on all workers."""

    def __init__(self, subject, copies, image, directory, stop):
        self.name, self.design, self.stop = subject.name, subject.design, stop
        self.free = queue.SimpleQueue()
        for copy in copies:
            self.free.put(copy)
        self.workers = len(copies)
        self.results = Results(directory / (self.name + ".jsonl"), image)
        ranges = entry_ranges(copies[0].elf, self.design)
        known = directory / (self.design.name + "-base.json")
        self.base = Baseline(self.design, ranges, image, known, stop)

    def killers(self, insn):
        return [k for k in KILLERS if self.base.applies(k, insn)]

    def with_copy(self, function, *args):
        """@function(copy, *args) with a build directory of its own."""
        copy = self.free.get()
        try:
            return function(copy, *args)
        finally:
            self.free.put(copy)

    def one(self, insn, killers):
        return self.with_copy(
            lambda copy: attempt(insn, self.design, copy, self.base, killers, self.stop))

    def learn(self):
        """What the unchanged kernel takes with each killer."""
        print("# %s: %d killers on the unchanged kernel" % (self.design.name, len(KILLERS)),
              flush=True)
        with ThreadPoolExecutor(self.workers) as pool:
            self.wait(pool, [
                pool.submit(self.with_copy, lambda copy, k=k: self.base.learn(k, copy))
                for k in KILLERS
            ], lambda _: None)

    def carry_out(self, instructions):
        """Try what has not been tried; rows are kept as they come."""
        self.learn()
        todo = []
        for insn in instructions:
            row = self.results.find(insn)
            killers = remaining(row, self.killers(insn))
            if killers or row is None:
                todo.append((insn, killers))
        progress = Progress(self.name, "mutants", len(instructions), len(instructions) - len(todo))

        def keep(row):
            self.results.add(row)
            progress.step(row)
        with ThreadPoolExecutor(self.workers) as pool:
            self.wait(pool, [pool.submit(self.one, insn, killers) for insn, killers in todo], keep)

    def wait(self, pool, jobs, keep):
        """Hand each job's result to @keep; when anything goes wrong stop all of them first."""
        try:
            for job in as_completed(jobs):
                keep(job.result())
        except BaseException:
            self.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def check_entry(entry):
    """Before anything is touched: another run may be on its way in the same folder."""
    known = [d.name for d in designs()] + list(kinds(designs()))
    if entry and entry not in known:
        sys.exit("mutants: ENTRY=%s is no design, nor what a kind shares. Valid: %s" % (
            entry, ", ".join(known)))


def chosen_subjects(entry, kernel):
    every = subjects(kernel, designs(), constants()["ENTRY_STUB_SIZE"])
    return [s for s in every if not entry or s.name == entry]


def main(args):
    check_entry(args.entry)
    if args.jobs < 1 or args.sample < 1:
        sys.exit("mutants: --jobs and --sample are at least 1")
    directory, stop = args.build / "mutants", threading.Event()
    copies = workshop(args.build, args.jobs, directory)
    image = image_hash(args.build)
    outcomes = []
    for subject in chosen_subjects(args.entry, copies[0].elf):
        run = Run(subject, copies, image, directory, stop)
        wanted = [i for i in subject.instructions if key(i).startswith(args.only)]
        instructions = wanted[::args.sample]
        if not args.report:
            run.carry_out(instructions)
        outcomes.append(report.Outcomes(subject, instructions, run.results))
    whole = args.sample == 1 and not args.entry and not args.only
    return report.finish(outcomes, whole, args.build, image)


if __name__ == "__main__":
    try:
        sys.exit(main(arguments()))
    except NotPassing as error:
        sys.exit("mutants: %s" % error)
    except KeyboardInterrupt:
        print("\nmutants: interrupted; what is done is kept, `make mutants` goes on from here",
              file=sys.stderr)
        sys.exit(130)
