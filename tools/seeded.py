#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""seeded.py - plant one bug after the other in the kernel's C: which test notices?

    seeded.py [--jobs N] [--sample N] [--build DIR] [--report] [--apply-only] [NAME]

The bugs are tests/seeded/*.patch; NAME takes the one called so, or all whose name contains it;
several have commas between them. Each is applied in a copy of the tree, built, and run with the
tests of tools/seeding/ladder.py until one fails. Results are kept in build/seeded/, so an
interrupted run goes on where it was. What became of a bug the first time is kept in
tests/seeded/first_contact.json, the latest in results.json beside it; a whole run writes
docs/seeded.md. Status 1: a survivor without an explanation, an explanation without a survivor, a
patch that does not apply or build.

Environment: T= a name, JOBS= workers (2), SAMPLE=n so many only, drawn by SEED=, NEAR=1 the cheap
tests only: a bug that survives those is not judged.
"""
import argparse
import os
import queue
import random
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from lib import paths, settings
from lib.paths import ROOT
from mutation.image import image_hash
from mutation.lab import NotPassing
from mutation.progress import Progress
from mutation.report import write_page
from mutation.results import Results
from seeding import report
from seeding.lab import Lab
from seeding.patches import BadPatch, load
from seeding.tree import SEEDED, BareTree, Tree, tree_hash

MOST = 100_000


def arguments():
    """The command line; --build is what everything here boots and reads."""
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    env = os.environ.get
    p.add_argument("name", nargs="?", default=env("T") or "")
    p.add_argument("--jobs", type=int, default=settings.number("JOBS", 2, 1, MOST), help="workers")
    p.add_argument("--sample",
                   type=int,
                   default=settings.number("SAMPLE", MOST, 1, MOST),
                   help="so many only")
    p.add_argument("--build", default=paths.build())
    p.add_argument("--near",
                   action="store_true",
                   default=settings.yes("NEAR"),
                   help="the cheap tests only")
    p.add_argument("--report", action="store_true", help="run nothing, report what is known")
    p.add_argument("--apply-only", action="store_true", help="only say which patches do not apply")
    args = p.parse_args()
    args.build = paths.use_build(args.build)
    return args


def choose(patches, args):
    """By name, then by seed."""
    chosen = []
    for name in args.name.split(","):
        found = [p for p in patches if p.name == name] or [p for p in patches if name in p.name]
        if not found:
            sys.exit(f"seeded: no patch's name contains '{name}'")
        chosen += [p for p in found if p not in chosen]
    if args.sample < len(chosen):
        chosen = random.Random(settings.seed()).sample(chosen, args.sample)
    return chosen


class Run:
    """The chosen patches on all workers."""

    def __init__(self, args, directory):
        self.stop, self.errors = threading.Event(), []
        self.results = Results(directory / "results.jsonl", tree_hash(ROOT),
                               lambda row: row["patch"])
        self.first = report.Record(report.FIRST, directory)
        self.latest = report.Record(report.LATEST, directory)
        self.lab = Lab(args.build, directory, args.near, self.stop)
        self.jobs, self.args, self.directory = args.jobs, args, directory
        self.free = queue.SimpleQueue()

    def row(self, patch):
        return self.results.rows.get(patch.digest)

    def one(self, patch):
        """A row, or BadPatch."""
        tree = self.free.get()
        try:
            before = self.row(patch) or {"tried": []}
            known = self.latest.entries.get(patch.name, {}).get("killed_by") or ""
            return self.lab.attempt(patch, tree, known, before, self.results.add)
        finally:
            self.free.put(tree)

    def keep(self, row):
        print("# %s: %s" % (row["name"], "%(killed_by)s: %(signature)s" %
                            row if row["killed_by"] else "SURVIVES %d steps" % len(row["tried"])),
              flush=True)
        self.results.add(row)
        if row["whole"]:
            self.first.add(row, overwrite=False)
            self.latest.add(row, overwrite=True)

    def carry_out(self, patches):
        todo = [p for p in patches if not self.row(p) or not self.row(p)["whole"]]
        for n in range(min(self.jobs, len(todo))):
            self.free.put(Tree(ROOT, self.args.build, self.directory / f"worker{n}"))
        progress = Progress("seeded", "bugs", len(patches), len(patches) - len(todo))
        with ThreadPoolExecutor(self.jobs) as pool:
            jobs = [pool.submit(self.one, p) for p in todo]
            try:
                for job in as_completed(jobs):
                    try:
                        row = job.result()
                    except (BadPatch, NotPassing) as error:
                        self.errors.append(str(error))
                        row = {"killed_by": None}
                    else:
                        self.keep(row)
                    progress.step(row)
            except BaseException:
                self.stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def say_what_applies(patches):
    """The status."""
    tree = BareTree(ROOT)
    bad = [f"{p.name} does not apply: {why}" for p in patches if (why := tree.applies(p))]
    print("\n".join([*bad, f"{len(patches) - len(bad)} of {len(patches)} patches apply"]))
    return 1 if bad else 0


def main(args):
    everything = load(ROOT / SEEDED)
    patches = choose(everything, args)
    if args.apply_only:
        return say_what_applies(patches)
    run = Run(args, args.build / "seeded")
    if not args.report:
        run.carry_out(patches)
    rows = {p.name: row for p in patches if (row := run.row(p)) and row["whole"]}
    if near := [p.name for p in patches if p.name not in rows and run.row(p)]:
        print("not judged, for the cheap tests only were tried: %s" % " ".join(near))
    found = report.Findings(patches, rows, run.errors, run.first)
    report.show(found)
    if len(found.tried) == len(everything) and not run.errors:
        text = report.page(found, args.build, image_hash(args.build))
        print("written: %s" % write_page(text, report.PAGE, args.build / "seeded"))
    return 0 if found.good else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # what runs is ended in order
    try:
        sys.exit(main(arguments()))
    except (NotPassing, BadPatch) as problem:
        sys.exit("seeded: %s" % problem)
    except KeyboardInterrupt:
        print("\nseeded: interrupted; what is done is kept, `make seeded` goes on from here",
              file=sys.stderr)
        sys.exit(130)
