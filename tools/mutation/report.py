# SPDX-License-Identifier: MIT
"""What a run has found: on the terminal; after a whole one in docs/mutants.md and
build/mutants/list.md."""
from collections import Counter

from lib.paths import ROOT

from . import explain, page
from .lab import key

RULES = ROOT / "entry" / "mutants.json"
PAGE = ROOT / "docs" / "mutants.md"


class Outcomes:
    """One text's mutants and what became of each."""

    def __init__(self, subject, instructions, results):
        self.subject, self.name, self.text = subject, subject.name, subject.text
        self.rows = [(insn, results.find(insn)) for insn in instructions]

    @property
    def tried(self):
        return [(insn, row) for insn, row in self.rows if row is not None]

    @property
    def killed(self):
        return [(insn, row) for insn, row in self.tried if row["killed_by"] is not None]

    @property
    def survivors(self):
        return [(insn, row) for insn, row in self.tried if row["killed_by"] is None]


def unexplained(outcomes, rules):
    """[(subject, insn, row)] of the survivors that no rule covers; rules count what they cover."""
    return [(o.subject, insn, row) for o in outcomes for insn, row in o.survivors
            if not explain.reason(rules, o.subject, insn)]


def show(outcomes):
    """Totals per text, and who killed how many."""
    for o in outcomes:
        by = Counter(row["killed_by"] for _, row in o.killed)
        print("%s: %d mutants, %d tried, %d killed, %d survive; %s" % (
            o.name, len(o.rows), len(o.tried), len(o.killed), len(o.survivors),
            ", ".join("%s %d" % item for item in by.most_common())))


def write_page(text, page, elsewhere):
    """Where the text is now: at @page, with the sources, or where those are read-only in folder
    @elsewhere."""
    for place in (page, elsewhere / page.name):
        try:
            place.write_text(text)
            return place
        except OSError as error:
            problem = error
    raise problem


def write(outcomes, rules, directory, meta):
    """The page, and in @directory the list of every mutant."""
    whole = directory / page.LIST
    whole.write_text(page.full(outcomes, meta))
    print("written: %s, %s" %
          (write_page(page.text(outcomes, rules, meta), PAGE, directory), whole))


def finish(outcomes, whole, build, image):
    """Print, write the page after a whole run, and return the exit status."""
    rules = explain.load(RULES)
    open_questions = unexplained(outcomes, rules)
    show(outcomes)
    for subject, insn, row in open_questions:
        print("survives unexplained: %s %s '%s': %s" % (
            subject.name, key(insn), insn.text, "passes " + ", ".join(row["tried"]) if row["tried"]
            else "no killer executes it"))
    complete = whole and all(len(o.tried) == len(o.rows) for o in outcomes)
    old = explain.stale(rules) if complete else []
    for rule in old:
        print("explains no survivor (entry/mutants.json): %s" % rule)
    if complete:
        write(outcomes, rules, build / "mutants", page.meta_line(build, image))
    print("%d survivors unexplained, %d explanations stale" % (len(open_questions), len(old)))
    return 1 if open_questions or old else 0
