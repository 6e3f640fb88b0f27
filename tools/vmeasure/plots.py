# SPDX-License-Identifier: MIT
"""Two plots of raw samples, as SVG that is the same for the same samples.

A row is one design under one condition.  Its samples run from left to right by value and from the
row's floor to its ceiling by rank, so that a row is a small cumulative distribution: a wall means
that all samples are equal, a long ceiling is a tail.
"""
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt     # noqa: E402  the backend comes first
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from .stats import median

# Okabe and Ito's colours: told apart by colour-blind readers; shapes differ as well.
STYLES = (("#0072B2", "o"), ("#D55E00", "^"), ("#009E73", "s"), ("#CC79A7", "D"))
ROW_HEIGHT = 0.8

matplotlib.rcParams.update({"svg.hashsalt": "vestibule", "svg.fonttype": "none",
                            "font.family": "DejaVu Sans", "font.size": 10})


def distribution(path, title, x_label, rows):
    """Write an SVG. @rows: [(design, [(condition, samples)])], drawn from the top down."""
    lines = [(design, i, cond, samples) for design, conds in rows
             for i, (cond, samples) in enumerate(conds)]
    fig, axes = plt.subplots(figsize=(9, 1.6 + 0.42 * len(lines)), layout="constrained")
    shown, y, ticks = set(), 0.0, []
    for number, (design, style, condition, samples) in enumerate(lines):
        if number and style == 0:
            y -= 0.6                                # room between two designs
            axes.axhline(y + 0.2, color="0.85", linewidth=0.8)
        _row(axes, y, samples, style, condition if condition not in shown else None)
        shown.add(condition)
        ticks.append((y - ROW_HEIGHT / 2, "%s  %s" % (design, condition)))
        y -= 1
    axes.set_xscale("log")
    axes.margins(x=0.1)                             # room for the text beside the outermost samples
    axes.xaxis.set_major_locator(LogLocator(subs=_subdivisions(lines)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks([t[0] for t in ticks], [t[1] for t in ticks])
    axes.set_ylim(y, 0.4)
    axes.set_xlabel(x_label)
    axes.set_title(title, loc="left")
    axes.grid(axis="x", which="both", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    fig.savefig(path, format="svg", metadata={"Date": None, "Creator": "vestibule"})
    plt.close(fig)


def _subdivisions(lines):
    """Labelled values per decade: more when all samples lie within one."""
    values = [v for line in lines for v in line[3]]
    narrow = max(values) < 8 * min(values)
    return (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if narrow else (1, 2, 5)


def _row(axes, top, samples, style, label):
    color, marker = STYLES[style % len(STYLES)]
    ordered = sorted(samples)
    base, share = top - ROW_HEIGHT, ROW_HEIGHT / len(ordered)
    # One wall per distinct value, as high as its share; its foot is marked, a lone sample's wall is
    # low.
    feet = {}
    for rank, value in enumerate(ordered):
        feet.setdefault(value, [rank, rank])[1] = rank + 1      # value -> ranks [first, last)
    axes.vlines(list(feet), [base + share * a for a, _ in feet.values()],
                [base + share * b for _, b in feet.values()], color=color, linewidth=3)
    axes.plot(list(feet), [base + share * (a + b) / 2 for a, b in feet.values()], linestyle="none",
              marker=marker, markersize=4, color=color, markeredgewidth=0, alpha=0.8, label=label)
    middle = median(ordered)
    if len(feet) <= 5:                              # few enough to say how many each wall holds
        for value, (first, last) in feet.items():
            if value != middle:
                axes.annotate("%d (%d of %d)" % (value, last - first, len(ordered)),
                              (value, base + share * (first + last) / 2),
                              textcoords="offset points",
                              xytext=(0, -11),
                              ha="center",
                              fontsize=8,
                              color=color)
    axes.plot([middle, middle], [top - ROW_HEIGHT, top], color=color, linewidth=1.2)
    axes.annotate("%d" % middle, (middle, top), textcoords="offset points", xytext=(4, -9),
                  fontsize=8, color=color)
