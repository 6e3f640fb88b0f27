# SPDX-License-Identifier: MIT
"""Figures of processes whose design is not the boot's: the same ones, or it is said why not; and
times of all designs side by side, and how far those are spread."""
import json

from lib.designs import designs, splits
from lib.paths import ROOT

from . import stats

EXPLAINED = ROOT / "entry" / "mixed.json"
TURN = "DESIGN "    # the line before a turn's figures, and the design's name
TICKS = "instructions"  # what the guest calls them: it does not know whether it is under icount


def host(design):
    """The design in whose boot @design is measured as a guest: the registry's next that isolates.
    context_switch_design has the same pairs."""
    found = designs()
    at = [d.name for d in found].index(design) + 1
    return next(d.name for d in found[at:] + found[:at] if splits(d) and d.name != design)


def explained():
    """{design: {"benchmark.metric": why it is another in a mixed boot}}."""
    return json.loads(EXPLAINED.read_text("utf-8"))["differ"]


def flat(benches):
    """{"benchmark.metric": value} of {benchmark: {metric: value}}."""
    return {"%s.%s" % (bench, metric): value
            for bench, metrics in benches.items() for metric, value in metrics.items()}


def differences(own, guest, reasons):
    """What is wrong: figures of a design in a boot of its @own and as a @guest, both {benchmark:
    {metric: value}}, that differ without one of the @reasons; and reasons without a difference.
    None: not measured there."""
    own, guest = flat(own), flat(guest)
    for name in dict.fromkeys((*own, *guest, *reasons)):
        alike = own.get(name) == guest.get(name)
        if alike and name in reasons:
            yield "%s: %s either way, and %s says why it differs" % (name, own.get(name),
                                                                    EXPLAINED.name)
        elif not alike and name not in reasons:
            yield "%s: %s in a boot of its own, %s in a mixed one" % (name, own.get(name),
                                                                     guest.get(name))


def turns(log, order):
    """{benchmark: {design: [the median of each turn, in ticks]}} of a boot with bench=turns. The
    designs take turns in the @order of the registry, or the log is not what it should be."""
    parts = log.replace("\r", "").split("\n" + TURN)[1:]
    found = {}
    for n, part in enumerate(parts):
        design, _, figures = part.partition("\n")
        measured = [(bench, metrics[TICKS])
                    for bench, metrics in stats.parse_bench(figures).items() if TICKS in metrics]
        if design != order[n % len(order)] or len(measured) != 1:
            raise stats.BadLine("turn %d is not one figure of %s: %r" % (
                n + 1, order[n % len(order)], part[:120]))
        bench, values = measured[0]
        found.setdefault(bench, {}).setdefault(design, []).append(stats.median(values))
    if not found or any(len(set(map(len, d.values()))) != 1 or list(d) != order
                        for d in found.values()):
        raise stats.BadLine("not whole rounds of %s" % " ".join(order))
    return found


def by_rounds(rounds):
    """{benchmark: {design: [ratio]}}: each figure against the first design's of its round.

    @rounds: [{benchmark: {design: [a figure for each round]}}]. Where no first one is, there is
    none to compare with.
    """
    found = {}
    for benches in rounds:
        for bench, figures in benches.items():
            first = next(iter(figures.values()))
            for design, values in figures.items():
                found.setdefault(bench, {}).setdefault(design, []).extend(
                    value / base for value, base in zip(values, first) if base)
    return found


def boots_as_rounds(samples, order):
    """by_rounds()'s input of boots of one design each, [(design, {benchmark: {metric: [values]}})],
    all designs in turn."""
    rounds = []
    for at in range(0, len(samples), len(order)):
        boots = dict(samples[at:at + len(order)])
        rounds.append({bench: {d: [stats.median(boots[d][bench]["ticks"])] for d in order}
                       for bench, metrics in boots[order[0]].items() if "ticks" in metrics})
    return rounds


def alone(boots, turns_of_boots, first):
    """{benchmark: {@first: ratio}}: the median of its @boots, [{benchmark: {metric: [values]}}], to
    that of its turns."""
    found = {}
    for bench in turns_of_boots[0]:
        own = [stats.median(b[bench]["ticks"]) for b in boots if bench in b]
        base = stats.median([v for boot in turns_of_boots for v in boot[bench][first]])
        if own and base:
            found[bench] = {first: round(stats.median(own) / base, 3)}
    return found


def medians(ratios):
    """{benchmark: {design: median}} of by_rounds()'s lists."""
    return {bench: {d: round(stats.median(v), 3) for d, v in found.items() if v}
            for bench, found in ratios.items()}


def spread(values):
    """A median and the quartiles around it, as text."""
    return "%.2f (%.2f to %.2f)" % (stats.median(values), stats.quantile(values, 0.25),
                                    stats.quantile(values, 0.75))


def width(values):
    """The distance of the quartiles, as a share of the median."""
    return (stats.quantile(values, 0.75) - stats.quantile(values, 0.25)) / stats.median(values)


def spread_rows(ways, order):
    """[(row, [cell])]: each way's ratios, and how wide its rows are at the median.

    @ways: {way: by_rounds()}; a benchmark that one of them lacks is left out.
    """
    common = [b for b in next(iter(ways.values())) if all(b in found for found in ways.values())]
    if not common:
        return []
    rows = [("%s, %s" % (bench, way), [spread(found[bench][d]) for d in order[1:]])
            for bench in common for way, found in ways.items()]
    rows += [("distance of the quartiles, median of the rows, %s" % way,
              ["%.0f %%" % (100 * stats.median([width(found[b][d]) for b in common]))
               for d in order[1:]])
             for way, found in ways.items()]
    return rows


def spread_table(ways, order):
    """The table of docs/measuring.md: how far the two ways' ratios are spread."""
    lines = ["| | %s |" % " | ".join(order[1:]), "|---|%s" % ("---:|" * len(order[1:]))]
    lines += ["| %s | %s |" % (name, " | ".join(cells)) for name, cells in spread_rows(ways, order)]
    return "\n".join(lines)
