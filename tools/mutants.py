#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mutants.py - replace each instruction of each design's entry text by NOPs, one at a time: which test notices?

    mutants.py [--entry DESIGN] [--jobs N] [--sample N] [--only WHERE] [--build DIR] [--report]

A mutant is the built kernel with one instruction blanked. It is booted with the killers of
tools/mutation/killers.py in turn until one fails. Results are appended to build/mutants/<design>.jsonl, so an
interrupted run goes on where it was. A whole run writes docs/mutants.md and the list of every mutant,
build/mutants/list.md; survivors are explained by entry/mutants.json.
Status 1: a survivor without an explanation, or an explanation without a survivor.

Environment: ENTRY= one design, JOBS= workers (2), SAMPLE=n only every n-th instruction.
"""
import argparse
import os
import queue
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from lib import paths, settings
from lib.constants import constants
from lib.designs import chosen
from mutation import report
from mutation.image import image_hash
from mutation.killers import KILLERS
from mutation.lab import Baseline, NotPassing, attempt, key, workshop
from mutation.progress import Progress
from mutation.results import Results, remaining
from vmeasure.entrytext import EntryText

MOST = 100_000      # workers, and the step of a sample


def arguments():
    """The command line; --build is what everything here boots and reads."""
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    env = os.environ.get
    p.add_argument("--entry", default=env("ENTRY", ""), help="one design")
    p.add_argument("--jobs", type=int, default=settings.number("JOBS", 2, 1, MOST), help="workers")
    p.add_argument("--sample", type=int, default=settings.number("SAMPLE", 1, 1, MOST),
                   help="every n-th instruction only")
    p.add_argument("--only", default="", help="only where the place begins so, e.g. syscall_entry.work")
    p.add_argument("--build", default=paths.build())
    p.add_argument("--report", action="store_true", help="boot nothing, report what is known")
    args = p.parse_args()
    args.build = paths.use_build(args.build)
    return args


class Run:
    """One design's mutants, on all workers."""

    def __init__(self, design, text, copies, image, directory, stop):
        self.design, self.text, self.stop = design, text, stop
        self.free = queue.SimpleQueue()
        for copy in copies:
            self.free.put(copy)
        self.workers = len(copies)
        self.results = Results(directory / (design.name + ".jsonl"), image)
        self.base = Baseline(design, text, image, directory / (design.name + "-base.json"), stop)

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
        return self.with_copy(lambda copy: attempt(insn, self.design, copy, self.base, killers, self.stop))

    def learn(self):
        """What the unchanged kernel takes with each killer."""
        print("# %s: %d killers on the unchanged kernel" % (self.design.name, len(KILLERS)), flush=True)
        with ThreadPoolExecutor(self.workers) as pool:
            self.wait(pool, [pool.submit(self.with_copy, lambda copy, k=k: self.base.learn(k, copy)) for k in KILLERS],
                      lambda _: None)

    def carry_out(self, instructions):
        """Try what has not been tried; rows are kept as they come."""
        self.learn()
        todo = []
        for insn in instructions:
            row = self.results.find(insn)
            killers = remaining(row, self.killers(insn))
            if killers or row is None:
                todo.append((insn, killers))
        progress = Progress(self.design.name, "mutants", len(instructions), len(instructions) - len(todo))

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


def main(args):
    wanted = chosen(args.entry)
    if args.jobs < 1 or args.sample < 1:
        sys.exit("mutants: --jobs and --sample are at least 1")
    directory, stop = args.build / "mutants", threading.Event()
    copies = workshop(args.build, args.jobs, directory)
    image = image_hash(args.build)
    stub_size = constants()["ENTRY_STUB_SIZE"]
    outcomes = []
    for design in wanted:
        text = EntryText(copies[0].elf, design.ident, stub_size)
        run = Run(design, text, copies, image, directory, stop)
        instructions = [i for i in text.instructions if key(i).startswith(args.only)][::args.sample]
        if not args.report:
            run.carry_out(instructions)
        outcomes.append(report.Outcomes(design, text, instructions, run.results))
    whole = args.sample == 1 and not args.entry and not args.only
    return report.finish(outcomes, whole, args.build, image)


if __name__ == "__main__":
    try:
        sys.exit(main(arguments()))
    except NotPassing as error:
        sys.exit("mutants: %s" % error)
    except KeyboardInterrupt:
        print("\nmutants: interrupted; what is done is kept, `make mutants` goes on from here", file=sys.stderr)
        sys.exit(130)
