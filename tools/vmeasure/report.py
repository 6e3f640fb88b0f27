# SPDX-License-Identifier: MIT
"""What the comparison writes: results.json, samples.csv, the table, the verdict on the bars."""
import csv
import json

from .shipped import meta_line
from .stats import typical

# Sections of the table: (heading, metric). A row is a benchmark that has the metric.
SECTIONS = (
    ("instructions per operation (icount, median)", "instructions"),
    ("of these in the kernel, traced", "kernel_instructions"),
    ("CR3 writes", "cr3_writes"),
    ("frame bytes copied between stacks", "bytes_copied"),
    ("stack switches", "stack_switches"),
)
SECRET = "secret_"  # exposure.secret_<which>_<reader>: one row of its own table
IRQS_OFF = "irqs_off"   # its metrics are system calls, and their max


def irqs_off_group(cpus):
    """Where the results of IRQS_OFF on that many CPUs stand."""
    return IRQS_OFF if cpus == 1 else "%s_%d_cpus" % (IRQS_OFF, cpus)


# Figures that are no benchmark's: {name in the results: heading}
PER_DESIGN = {
    "memory": "memory", "exposure": "exposure", "code": "code",
    irqs_off_group(1): "longest stretch with interrupts off, instructions, at most",
    irqs_off_group(3): "the same beside two idle CPUs",
}
# Benchmarks in the table's order; others come last.
ORDER = ("syscall_null", "syscall_copy64", "syscall_sleep", "irq_user", "irq_kernel", "page_fault",
         "exception", "ipc_same_as", "ipc_cross_as", "irq_to_driver", "thread_create_exit",
         "context_switch_thread", "context_switch_process", "context_switch_design")


def ordered(names):
    """Benchmark names in the table's order."""
    return sorted(names, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))


def benchmarks(results):
    """All benchmark names of @results ({design: {benchmark: ...}}) but the per-design figures."""
    return ordered({b for d in results.values() for b in d} - set(PER_DESIGN))


def value_of(results, design, benchmark, metric):
    """The typical value, or None where it was not measured."""
    value = results.get(design, {}).get(benchmark, {}).get(metric)
    return None if value is None else typical(value)


def sections(results, ready):
    """[(heading, [(row name, {design: number or None})])]: everything that the table shows.

    @ready: sections that others have made, times and what depends on the number of CPUs.
    """
    found = []
    for heading, metric in SECTIONS:
        rows = [(b, {d: value_of(results, d, b, metric) for d in results})
                for b in benchmarks(results)]
        found.append((heading, [r for r in rows if any(v is not None for v in r[1].values())]))
    found.append(("distributions (icount): min / median / p99 / max", distributions(results)))
    found += ready
    for group, heading in PER_DESIGN.items():
        names = [m for m in dict.fromkeys(m for d in results.values() for m in d.get(group, {}))
                 if not m.startswith(SECRET)]
        found.append((heading, [(m, {d: value_of(results, d, group, m) for d in results})
                              for m in names]))
    found.append(("who can read a planted secret through its user root", secrets(results)))
    return [(heading, rows) for heading, rows in found if rows]


def readers(figures, secret, when):
    """all: an unrelated process finds @secret; own: only its owner's process; none; None: not
    measured."""
    found = [figures.get("%s%s_%s%s" % (SECRET, secret, reader, when))
             for reader in ("unrelated", "sibling")]
    if None in found:
        return None
    return "all" if found[0] else "own" if found[1] else "none"


def secrets(results):
    """A row per secret: who reads it; for residue that the next entry overwrites "later, at
    once"."""
    figures = {d: r.get("exposure", {}) for d, r in results.items()}
    names = dict.fromkeys(m[len(SECRET):].split("_")[0] for f in figures.values() for m in f
                          if m.startswith(SECRET))
    rows = []
    for secret in names:
        cells = {}
        for design, f in figures.items():
            later, at_once = readers(f, secret, ""), readers(f, secret, "_at_once")
            cells[design] = later if later == at_once else "%s, at once %s" % (later, at_once)
        rows.append((secret, cells))
    return rows


def distributions(results):
    """Rows of the metrics with spread that no other section shows."""
    shown = {metric for _, metric in SECTIONS}
    rows = []
    for bench in benchmarks(results):
        names = dict.fromkeys(m for d in results.values() for m in d.get(bench, {}))
        for metric in names:
            values = {d: results[d].get(bench, {}).get(metric) for d in results}
            if metric not in shown and all(isinstance(v, dict) and "p99" in v
                                           for v in values.values()):
                rows.append(("%s %s" % (bench, metric), {
                    d: "/".join(str(v[k]) for k in ("min", "median", "p99", "max"))
                    for d, v in values.items()}))
    return rows


def cell(value):
    """A number as text."""
    if value is None:
        return "-"
    return "%.2f" % value if isinstance(value, float) else str(value)


def table(results, ready, meta):
    """The whole comparison as aligned text."""
    parts = sections(results, ready)
    names = list(results)
    left = 2 + max(len(text) for heading, rows in parts
                   for text in [heading] + ["  " + r[0] for r in rows])
    width = 2 + max([len(cell(v)) for _, rows in parts for r in rows for v in r[1].values()]
                    + [len(n) for n in names])
    lines = []
    for heading, rows in parts:
        lines += ["", heading.ljust(left) + "".join(n.rjust(width) for n in names)]
        for name, values in rows:
            lines.append(("  " + name).ljust(left) +
                         "".join(cell(values.get(d)).rjust(width) for d in names))
    return "\n".join(lines[1:] + ["", meta_line(meta)])


def markdown(results, ready, meta):
    """The table of docs/results.md: no distributions; with its meta line."""
    names = list(results)
    lines = ["| | %s |" % " | ".join(names), "|---|%s" % ("---:|" * len(names))]
    for heading, rows in sections(results, ready):
        if heading.startswith("distributions"):
            continue
        lines.append("| **%s** |%s" % (heading, " |" * len(names)))
        lines += ["| %s | %s |" % (n, " | ".join(cell(v.get(d)) for d in names)) for n, v in rows]
    return "\n".join(lines + ["", "*%s*" % meta_line(meta)])


def check_bars(bars, results):
    """[(passed, text)]: the bars of entry/bars.json on @results. A figure that is missing is a
    miss."""
    verdicts = []
    for bar in bars:
        value = value_of(results, bar["design"], bar["benchmark"], bar["metric"])
        what = "%s %s.%s" % (bar["design"], bar["benchmark"], bar["metric"])
        if "minus" in bar or "minus_benchmark" in bar:
            base = bar.get("minus", bar["design"]), bar.get("minus_benchmark", bar["benchmark"])
            other = value_of(results, *base, bar["metric"])
            value = None if value is None or other is None else value - other
            what += " minus %s %s.%s" % (*base, bar["metric"])
        limits = [(k, bar[k]) for k in ("at_most", "at_least", "equal") if k in bar]
        passed = value is not None and bool(limits) and all(
            {"at_most": value <= n, "at_least": value >= n, "equal": value == n}[k]
            for k, n in limits)
        text = "%s: %s (%s)" % (what, cell(value), ", ".join(
            "%s %s" % (k.replace("_", " "), n) for k, n in limits))
        verdicts.append((passed, text))
    return verdicts


def write_json(path, meta, results, runs):
    """results.json: {meta, designs: {design: {benchmark: {metric: value}}}, runs: one for each
    boot}."""
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"meta": meta, "designs": results, "runs": runs}, f, indent=1)
        f.write("\n")


def time_sections(turns, boots, alone, first):
    """Sections of times, all {benchmark: {design: ratio}}: to the design @first, of designs in
    @turns within a boot and of @boots of one design each; and of @first @alone to itself in turns.
    """
    return [(heading % first, [(b, ratios[b]) for b in ordered(ratios)]) for heading, ratios in (
        ("time without icount, ratio to %s, in turns within a boot", turns),
        ("the same, each in boots of its own, ratio to %s", boots),
        ("%s in boots of its own, ratio to its turns", alone))]


def write_csv(path, samples):
    """@samples: [(design, mode, cpus, run, {benchmark: {metric: [values]}}, words)], one line per
    sample; words: the boot's command line."""
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow("design mode cpus run benchmark metric index value boot".split())
        for design, mode, cpus, run, benches, words in samples:
            for bench, metrics in benches.items():
                for metric, values in metrics.items():
                    for index, value in enumerate(values):
                        out.writerow((design, mode, cpus, run, bench, metric, index, value,
                                      words))
