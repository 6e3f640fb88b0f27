# SPDX-License-Identifier: MIT
"""docs/mutants.md: how many mutants there are, who kills them, and why the survivors survive.
The list of every mutant is a build product."""
import textwrap
from collections import Counter

from lib.boots import Boot
from vmeasure import shipped

from . import explain
from .killers import KILLERS
from .lab import key

LIST = "list.md"        # the whole list, in build/mutants/

HEAD = """# Mutants

Made by `make mutants`; do not edit. Each instruction of the entry text is replaced by NOPs, one at
a time. The kernel is booted with one test after the other until one fails: that test is the
*killer*. A mutant that no test kills shows one of two things: a gap in the tests, or an instruction
without an effect that a test could see. The second kind stands under *Survivors*, each with its
reason from `entry/mutants.json`.

A column is a design's own text, or what a kind of designs shares (`entry/shared_one.asm`,
`entry/shared_two.asm`): that counts once, and the kind's first design boots it. Counted is every
instruction that control flow reaches from the entries, the design's C included, and one stub of
each kind, for the build proves the others alike. Bytes between instructions are padding and are not
mutated.
"""
REST = """## The rest

The run writes `build/mutants/%s` as well. It says for each path and step how many instructions
there are and how many survive, and for every instruction who killed it and how it died. A whole
run takes hours. It goes on where it was interrupted.

    make mutants                            # everything, and this page
    make mutants ENTRY=<text> SAMPLE=20     # every 20th instruction of one text
    python3 tools/mutants.py --report       # no boots: both texts from the results of the last run
""" % LIST
CELLS = {"\n": " ", "|": "\\|", "*": "\\*", "<": "\\<"}


def text(outcomes, rules, meta):
    """The page. @meta: meta_line()."""
    return "\n".join([HEAD, meta, totals(outcomes), survivors(outcomes, rules), REST])


def full(outcomes, meta):
    """The list of every mutant."""
    return "\n".join(
        ["# Every mutant\n", meta,
         steps(outcomes),
         stubs(outcomes),
         everything(outcomes)])


def meta_line(build, image):
    """What all of this holds for."""
    tools = shipped.tools()
    return paragraph("Image (kernel and boot archive) sha256 %s; %s; %s; QEMU %s, TCG, -cpu %s." % (
        image[:16], tools["compiler"], tools["nasm"], tools["qemu"], Boot().model))


def paragraph(words):
    """@words in lines as long as the project's prose has them."""
    return textwrap.fill(words, 100, break_long_words=False, break_on_hyphens=False) + "\n"


def table(rows):
    """Markdown; the first row is the head."""
    lines = [
        "| " + " | ".join("".join(CELLS.get(c, c) for c in str(cell)) for cell in row) + " |"
        for row in rows
    ]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(lines) + "\n"


def totals(outcomes):
    """Per text: how many mutants, and which killer killed how many; the idle ones in a sentence."""
    by = [Counter(row["killed_by"] for _, row in o.killed) for o in outcomes]
    killers, idle = [], []
    for k in KILLERS:
        (killers if any(b[k.title] for b in by) else idle).append(k.title)
    rows = [[""] + [o.name for o in outcomes],
            ["mutants"] + [len(o.rows) for o in outcomes],
            ["killed"] + [len(o.killed) for o in outcomes]]
    rows += [["by " + k] + [b[k] for b in by] for k in killers]
    rows += [["survivors"] + [len(o.survivors) for o in outcomes],
             ["bytes of padding"] + [o.text.padding() for o in outcomes]]
    others = "\n" + paragraph("The killers above left nothing to these: %s." %
                              ", ".join(idle)) if idle else ""
    return (
        "## Totals\n\nKillers are tried in this order, each on the instructions that it "
        "executes. A low "
        "number means\nthat the killers above it are good, not that it is bad.\n\n"
    ) + table(rows) + others


def merged(lists):
    """Every name once, in the order of the first list that has it."""
    return list(dict.fromkeys(name for names in lists for name in names))


def steps(outcomes):
    """Per path and step: instructions, and how many of them survive."""
    places = merged([(i.path, i.step) for i, _ in o.rows] for o in outcomes)
    rows = [["path", "step"] + [o.name for o in outcomes]]
    order = list(dict.fromkeys(path for path, _ in places))
    for place in sorted(places, key=lambda p: order.index(p[0])):
        cells = []
        for o in outcomes:
            here = [row for i, row in o.rows if (i.path, i.step) == place]
            alive = sum(1 for row in here if row["killed_by"] is None)
            cells.append("-" if not here else str(len(here)) if not alive else "%d, %d survive" %
                         (len(here), alive))
        rows.append([place[0], "." + place[1] if place[1] else ""] + cells)
    return "## Steps\n\nInstructions, all killed unless it says otherwise.\n\n" + table(rows)


def with_path(outcomes, path):
    """Those of the texts that have @path."""
    return [o for o in outcomes if any(i.path == path for i, _ in o.rows)]


def survivors(outcomes, rules):
    """Grouped by what explains them."""
    found = {}
    for o in outcomes:
        for insn, row in o.survivors:
            why = explain.reason(rules, o.subject, insn) or "**unexplained**"
            where = "%s: %s" % (key(insn), insn.text)
            found.setdefault((why, where), []).append(o.name)
    rows = [["instruction", "texts", "why it is harmless"]]
    for (why, where), names in sorted(found.items()):
        path = where.split(":")[0].split(".")[0].split("+")[0]
        every = len(names) == len(with_path(outcomes, path))
        rows.append([where, "all" if every else ", ".join(names), why])
    return "## Survivors\n\n" + (table(rows) if len(rows) > 1 else "None.\n")


def stub_kind(insn):
    """What this instruction is to its stub."""
    if insn.text.startswith("jmp"):
        return "jmp"
    is_code = insn.text == "push 0" and insn.offset == 0 and insn.vector
    return "push 0 (error code)" if is_code else "push vector"


def stubs(outcomes):
    """One stub of each kind, in groups."""
    rows = [["design", "instruction", "killed by", "signature", "stubs"]]
    for o in outcomes:
        groups = Counter((stub_kind(i), row["killed_by"] or "nobody", row["signature"] or "-")
                         for i, row in o.tried if i.vector is not None)
        for (kind, killer, signature), count in sorted(groups.items()):
            rows.append([o.name, kind, killer, signature, count])
    return "## Stubs\n\n" + table(rows)


def everything(outcomes):
    """One line for each instruction, of all texts in which it ends the same way."""
    found = {}
    for o in outcomes:
        for insn, row in o.tried:
            if insn.vector is None:
                end = "%s: %s" % (row["killed_by"],
                                  row["signature"]) if row["killed_by"] else "survives"
                here = found.setdefault((insn.path, insn.step), {})
                here.setdefault((insn.offset, insn.text), {}).setdefault(end, []).append(o.name)
    lines = []
    for (path, step), here in found.items():
        lines.append("%s%s" % (path, "." + step if step else ""))
        for (offset, code), ends in sorted(here.items()):
            for n, (end, names) in enumerate(ends.items()):
                who = "" if len(ends) == 1 and len(names) == len(with_path(outcomes, path)) else \
                    " [%s]" % " ".join(names)
                lines.append("  %-42s %s%s" % ("+%-4d %s" %
                                               (offset, code) if n == 0 else "", end, who))
    head = "## Every instruction\n\nWhere texts are named the line holds for those.\n\n```"
    return "\n".join([head] + lines + ["```\n"])
