#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare.py - boot every entry design from the ISO and put them side by side.

    compare.py [--build DIR] [--docs] [--plain-runs N] [--no-trace]

Per design: one boot under icount (exact counts), one more where it is a guest in the boot of
another design, plain boots interleaved over the designs (times, used for ratios only), and one
traced boot that counts events instruction by instruction. Then boots in which all designs take
turns (times). Then, with 1, 2 and 4 CPUs, what a thread costs that comes and goes beside siblings
on all CPUs, and with 1 and 2 the longest stretch with interrupts off in each system call.
Writes results.json, samples.csv, two SVG plots and table.txt to DIR/compare and prints the
table; with --docs it also puts it into docs/results.md, and what README.md shows of it there.
Status 1: a boot failed, a cross-check failed, a guest's figure differs and entry/mixed.json does
not say why, or a bar of entry/bars.json was missed.
"""
import argparse
import json
import sys
import time
from collections import namedtuple

from lib import paths, settings
from lib.boots import Boot
from lib.designs import designs, splits
from lib.gdb import GdbError
from lib.paths import ROOT
from vmeasure import hardening, mixed, pages, plots, report, shipped, stats
from vmeasure.code_figures import code_figures
from vmeasure.stepper import TraceError
from vmeasure.tracer import Subject, count_design


BY_CPUS = "thread_create_exit_smp"      # the benchmark that depends on the number of CPUs,
CPU_COUNTS = (1, 2, 4)                  # and the numbers it is run with
PLAIN_RUNS_BY_CPUS = 3
IRQS_OFF_CPUS = (1, 3)                  # the others idle, and are looked after
TURN_BOOTS = 3                          # in which all designs take turns

# A boot for figures: benches is what parse_bench() finds in its log, of design; entry and bench are
# the words of its command line.
Sample = namedtuple("Sample", "design mode cpus run benches entry bench")


def arguments():
    """The command line; --build is what everything here boots and reads."""
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", default=paths.build())
    p.add_argument("--docs",
                   action="store_true",
                   help="write the tables of docs/results.md and README.md")
    p.add_argument("--plain-runs", type=int, default=5, help="boots without icount per design")
    p.add_argument("--no-trace", action="store_true", help="leave the traced boots out")
    args = p.parse_args()
    args.build = paths.use_build(args.build)
    return args


class Comparison:
    """One whole comparison; every method adds to its results."""

    def __init__(self, args):
        self.args = args
        self.build = args.build
        self.out = self.build / "compare"
        self.iso = self.build / "vestibule.iso"
        self.designs = designs()
        self.order = [d.name for d in self.designs]
        self.host = next(d.name for d in self.designs if splits(d))     # runs all of them
        self.boots_done = 0
        self.boots = len(self.order) * (1 + args.plain_runs +
                                        (not args.no_trace) + len(CPU_COUNTS) *
                                        (1 + PLAIN_RUNS_BY_CPUS) + len(IRQS_OFF_CPUS) +
                                        1) + TURN_BOOTS
        self.samples = []           # Sample: bench=all on one CPU
        self.samples_guest = []     # Sample: the same in the boot of another design
        self.samples_by_cpus = []   # Sample: bench=BY_CPUS
        self.samples_irqs_off = []  # Sample: bench=irqs_off
        self.turns = []             # what mixed.turns() finds in a boot
        self.results = {}
        self.problems = []

    def progress(self, what, start):
        """One line per boot, on stderr: stdout belongs to the table."""
        self.boots_done += 1
        print("[%2d/%d] %-28s %5.1f s" %
              (self.boots_done, self.boots, what, time.monotonic() - start),
              file=sys.stderr,
              flush=True)

    def log(self, design, icount, run, cpus=1, bench="all"):
        """The text of one boot of the ISO; exits with the log's tail when the boot fails."""
        start = time.monotonic()
        name = "%s, %s" % (design, mode_name(icount)) + (", %d CPUs" % cpus if cpus > 1 else "")
        outcome = Boot(cmdline="entry=%s cpus=%d bench=%s" % (design, cpus, bench),
                       mode="iso-bios",
                       cpus=cpus,
                       icount=icount,
                       what="compare-%s%d" % (bench, run),
                       build=self.build).run()
        if outcome.verdict != "pass":
            sys.exit("compare: %s: %s\nlast lines of %s:\n  %s" % (
                name, outcome.describe(), outcome.log, "\n  ".join(outcome.tail())))
        if "\nBENCH " not in outcome.text:
            sys.exit("compare: %s: no BENCH line in %s" % (name, outcome.log))
        self.progress(name if bench == "all" else "%s, %s" % (name, bench), start)
        return outcome.text

    def boot(self, design, icount, run, cpus=1, bench="all", guest=None):
        """The figures of one boot; of the design @guest, if it is not the boot's."""
        words = "as-%s-%s" % (guest, bench) if guest else bench
        benches = stats.parse_bench(self.log(design, icount, run, cpus, words))
        return Sample(guest or design, mode_name(icount), cpus, run, rename_time(benches, icount),
                      design, words)

    def measure(self):
        """All boots but the traced ones."""
        self.samples = self.boots_of(self.args.plain_runs)
        self.samples_guest = [self.boot(mixed.host(d), True, 0, guest=d) for d in self.order]
        self.turns = [self.boot_of_turns(run) for run in range(TURN_BOOTS)]
        for cpus in CPU_COUNTS:
            self.samples_by_cpus += self.boots_of(PLAIN_RUNS_BY_CPUS, cpus=cpus, bench=BY_CPUS)
        for cpus in IRQS_OFF_CPUS:
            self.samples_irqs_off += self.boots_of(0, cpus=cpus, bench=report.IRQS_OFF)
        for s in self.samples:
            if s.mode == "icount":
                self.results[s.design] = stats.summarize(s.benches)
        self.compare_guests()
        for s in self.samples_irqs_off:
            calls = stats.summarize(s.benches)[report.IRQS_OFF]
            self.results[s.design][report.irqs_off_group(
                s.cpus)] = {**calls, "max": max(calls.values())}

    def boots_of(self, plain_runs, **what):
        """Run 0 under icount, then the plain runs; all designs in turn, so that a busy minute
        touches each."""
        return [self.boot(design, run == 0, run, **what)
                for run in range(plain_runs + 1) for design in self.order]

    def boot_of_turns(self, run):
        """Times of all designs in one boot."""
        text = self.log(self.host, False, run, bench="turns")
        return mixed.turns(text, self.order)

    def turn_samples(self):
        """The same as Samples, a value for each turn."""
        return [Sample(d, mode_name(False), 1, run, {b: {"ticks": v[d]} for b, v in found.items()},
                       self.host, "turns")
                for run, found in enumerate(self.turns) for d in self.order]

    def compare_guests(self):
        """Each figure of a guest is that of a boot of its own, or entry/mixed.json says why not.
        What only the guest can have is the design's."""
        reasons = mixed.explained()
        for s in self.samples_guest:
            own, guest = self.results[s.design], stats.summarize(s.benches)
            self.problems += ["%s as a guest: %s" % (s.design, line) for line in
                              mixed.differences(own, guest, reasons.get(s.design, {}))]
            for bench, metrics in guest.items():
                own.setdefault(bench, metrics)

    def times(self):
        """Ratios of times without icount: {way: {benchmark: {design: [ratio]}}}."""
        boots = [(s.design, s.benches) for s in self.samples if s.mode != "icount"]
        return {"boots": mixed.by_rounds(mixed.boots_as_rounds(boots, self.order)),
                "turns": mixed.by_rounds(self.turns)}

    def alone(self):
        """{benchmark: {design: ratio}} of the first design: in boots of its own, to its turns."""
        first = self.order[0]
        boots = [s.benches for s in self.samples if s.design == first and s.mode != "icount"]
        return mixed.alone(boots, self.turns, first)

    def by_cpus(self):
        """Rows for the table: what BY_CPUS costs, by the number of CPUs."""
        rows = []
        for cpus in CPU_COUNTS:
            found = [s for s in self.samples_by_cpus if s.cpus == cpus]
            name = "%d CPU%s: " % (cpus, "s" if cpus > 1 else "")
            exact = {s.design: s.benches[BY_CPUS] for s in found if s.mode == "icount"}
            ratios = stats.ratios([(s.design, s.benches) for s in found if s.mode != "icount"],
                                  self.order, "ticks_all_cpus")
            for title, metric in (("IPIs", "ipis"), ("instructions of all CPUs", "ticks_all_cpus")):
                rows.append((name + title, {d: stats.median(m[metric]) for d, m in exact.items()}))
            rows.append(
                (name + "time without icount, ratio to %s" % self.order[0], ratios.get(BY_CPUS,
                                                                                       {})))
        return rows

    def trace(self, subject):
        """The traced boots: event counts join the results."""
        for design in self.designs:
            start = time.monotonic()
            log = self.build / "log" / ("%s-1-icount-trace.log" % design.name)
            try:
                counts = count_design(subject, design, log)
            except (GdbError, TraceError) as problem:
                tail = log.read_text("utf-8", "replace").splitlines()[-30:] if log.exists() else []
                sys.exit("compare: %s, traced: %s\nlast lines of %s:\n  %s" % (
                    design.name, problem, log, "\n  ".join(tail)))
            self.merge(design.name, counts)
            self.progress("%s, traced" % design.name, start)

    def merge(self, design, counts):
        """Traced counts into the results, after the cross-check with the loop's figure."""
        before = {}
        for operation, found in counts.items():
            bench = self.results[design].setdefault(operation, {})
            self.cross_check(design, operation, bench, found)
            before[operation] = found.pop("before_flip")
            bench.setdefault("instructions", found["instructions"])
            found["traced_instructions"] = found.pop("instructions")
            bench.update(found)
        code = self.results[design].setdefault("code", {})
        for name, operation in (("syscall", "syscall_null"), ("irq", "irq_user")):
            if before.get(operation) is not None:
                code["before_flip_" + name] = before[operation]

    def cross_check(self, design, operation, bench, found):
        """The loop's figure holds the kernel's share and at most the user's traced share beside
        it."""
        if "instructions" not in bench:
            return
        loop = stats.typical(bench["instructions"])
        low, high = found["kernel_instructions"], found["instructions"]
        if not low <= loop <= high:
            self.problems.append("%s %s: the loop says %d instructions, the trace %d in the kernel "
                                 "of %d in all" % (design, operation, loop, low, high))

    def source_figures(self, subject):
        """code.* of every design."""
        for design in self.designs:
            self.results[design.name].setdefault("code", {}).update(
                code_figures(design, subject.kernel, str(ROOT), str(self.build)))

    def write(self, meta):
        """results.json, samples.csv and the plots."""
        samples = (self.samples + self.samples_guest + self.samples_by_cpus +
                   self.samples_irqs_off + self.turn_samples())
        runs = [{"mode": s.mode, "cpus": s.cpus,
                 "params": {"run": s.run, "bench": s.bench, "entry": s.entry},
                 "designs": {s.design: stats.summarize(s.benches)}}
                for s in samples if s.bench != "all" or s.mode != "icount"]
        report.write_json(self.out / "results.json", meta, self.results, runs)
        report.write_csv(self.out / "samples.csv",
                         [(*s[:5], "entry=%s bench=%s" % (s.entry, s.bench)) for s in samples])
        icount = {s.design: s.benches for s in self.samples if s.mode == "icount"}
        for name, title, axis, conditions in PLOTS:
            rows = [(d, [(label, icount[d][b][m]) for label, b, m in conditions
                         if m in icount[d].get(b, {})]) for d in self.order]
            if any(conds for _, conds in rows):
                plots.distribution(self.out / (name + ".svg"), title, axis, rows)


def mode_name(icount):
    """What a boot's clock counts."""
    return "icount" if icount else "tcg"


# (file, title, x axis, [(condition, benchmark, metric)])
PLOTS = (
    ("syscall", "Null system call: instructions per call, quiet and under a 10 kHz timer",
     "instructions per call (icount, log scale)",
     (("quiet", "syscall_null", "latency"),
      ("timer 10 kHz", "syscall_null", "latency_10khz"))),
    ("irq", "Timer interrupt: the gap that a spinning program sees",
     "instructions away from the program (icount, log scale)",
     (("100 Hz", "irq_user", "gap_100hz"), ("1 kHz", "irq_user", "gap_1khz"),
      ("10 kHz", "irq_user", "gap_10khz"))),
)


def rename_time(samples, icount):
    """The guest reads one clock, the TSC: under icount its ticks are instructions."""
    old, new = ("ticks", "instructions") if icount else ("instructions", "ticks")
    for metrics in samples.values():
        if old in metrics:
            metrics[new] = metrics.pop(old)
    return samples


def main(args):
    start = time.monotonic()
    settings.accelerator()      # a wrong one is refused before the first boot
    work = Comparison(args)
    if not work.iso.exists():
        sys.exit("compare: there is no %s: run `make iso`" % work.iso)
    work.out.mkdir(parents=True, exist_ok=True)
    subject = Subject(shipped.extract(work.iso, work.out / "shipped"))
    meta = shipped.meta(work.iso, subject.shipped / "vestibule.elf", Boot(icount=True).model,
                        hardening.line(subject.kernel, work.designs, subject.stub_size))
    work.measure()
    if not args.no_trace:
        work.trace(subject)
    work.source_figures(subject)
    work.write(meta)
    present(work, meta)
    verdicts = report.check_bars(json.loads((ROOT / "entry" / "bars.json").read_text())["bars"],
                                 work.results)
    print("\nBars (entry/bars.json)")
    for passed, line in verdicts:
        print("%s %s" % ("PASS" if passed else "MISS", line))
    for problem in work.problems:
        print("MISMATCH " + problem)
    missed = sum(not passed for passed, _ in verdicts)
    print("%d bars met, %d missed, %d mismatches; %s written in %.0f s" % (
        len(verdicts) - missed, missed, len(work.problems), work.out, time.monotonic() - start))
    return 1 if work.problems or missed else 0


def present(work, meta):
    """Print the table, and keep it; with --docs in the documents, too."""
    times = work.times()
    sections = report.time_sections(*(mixed.medians(times[way]) for way in ("turns", "boots")),
                                    work.alone(), work.order[0])
    sections.append(("thread create and exit, by CPUs", work.by_cpus()))
    figures = (work.results, sections, meta)
    text = report.table(*figures)
    (work.out / "table.txt").write_text(text + "\n")
    print(text)
    if work.args.docs:
        pages.write(report.markdown(*figures), mixed.spread_table(times, work.order))


if __name__ == "__main__":
    sys.exit(main(arguments()))
