#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""diff.py - two designs side by side: `make diff A=design B=design`.

First their assembly, the number of a step's instructions before its label.  Between the columns:
nothing where both have the same code (comments and the design's own prefix aside), | where it
differs, < and > where one has a line more.  Then a table of every path and step: instructions in
the linked image, once each however often they run.  C of the design that a step calls counts where
it is called, by its name. What the designs share with their kinds stands behind that, where the
kinds differ; where they do not there is nothing to compare.

    diff.py A B [--build DIR]       the environment's A= and B= are the defaults
"""
import argparse
import difflib
import os
import re
import signal
import sys
from itertools import zip_longest

from lib import paths
from lib.constants import constants
from lib.designs import designs, shared_text
from lib.elf import built_kernel
from lib.paths import ROOT
from vmeasure.entrytext import EntryText

COLUMN = 84
LABEL = re.compile(r"(\.?)(\w+):")
IN_C = re.compile(r"\.(\w+):\s*;\s*in (\w+)\(\)")


class Piece:
    """A piece of entry text: its instructions in the image. @notes {(path, step): C function}."""

    def __init__(self, kernel, ident, stub_size):
        self.text, self.notes = EntryText(kernel, ident, stub_size), {}
        self.name = ident

    def count(self, path, step=None):
        """Static instructions of a step, or of a whole path."""
        return sum(1 for i in self.text.instructions if i.path == path and step in (None, i.step))

    def c_functions(self, path, step):
        """[(name, instructions)] of the design's C that this step calls, directly or not."""
        todo = [i.calls for i in self.text.instructions if (i.path, i.step) == (path, step)]
        found = {}
        while todo:
            owner = self._c_path(todo.pop(0))
            if owner and owner not in found:
                found[owner] = self.count(owner)
                todo += [i.calls for i in self.text.instructions if i.path == owner]
        return [("%s_%s" % (self.text.ident, p), n) for p, n in found.items()]

    def _c_path(self, symbol):
        """The path that is C function @symbol of this design, or None."""
        places = {name: address for address, name in self.text.functions}
        if symbol not in places:
            return None
        path, _ = self.text.owner(places[symbol])
        return path if path in self.text.c_paths else None

    def cell(self, path, step):
        """What the table says about a step."""
        if step and step not in self.text.steps(path):
            return ""
        number = self.count(path, step)
        parts = ["%d %s()" % (n, name) for name, n in self.c_functions(path, step)]
        return " + ".join([str(number)] + parts) if number else self.notes.get((path, step), "-")

    def total(self, path):
        """Instructions of a path, the C of the design included."""
        steps = self.text.steps(path) or [""]
        c = {f for s in steps for f in self.c_functions(path, s)}
        return self.count(path) + sum(n for _, n in c)

    def paths(self):
        """Paths of the assembly, in the order of the image."""
        paths = dict.fromkeys(i.path for i in self.text.instructions)
        return [p for p in paths if p not in self.text.c_paths]

    def summary(self):
        return "%s: %d instructions, %d bytes of padding" % (
            self.name, len(self.text.instructions), self.text.padding())


class Side:
    """One design: its source, its own piece, and the one that it shares with its kind."""

    def __init__(self, design, kernel, stub_size):
        self.design = design
        self.own = Piece(kernel, design.ident, stub_size)
        self.own.name = design.name
        self.shared = Piece(kernel, shared_text(design), stub_size)
        source = (ROOT / "entry" / (design.name + ".asm")).read_text()
        lines = source.splitlines()
        # The theory at the head is for reading alone.
        begin = next(i for i, line in enumerate(lines) if line and not line.startswith(";"))
        self.lines = self._with_counts(lines[begin:])
        self.own.notes = self._notes()

    def _with_counts(self, lines):
        """[(number or "", line)]"""
        owner, found = "", []
        for line in lines:
            label = LABEL.match(line)
            if label and not label[1]:
                owner = label[2][len(self.design.ident) + 1:]
            number = ""
            if label and (label[1] or not self.own.text.steps(owner)):
                number = str(self.own.count(owner, label[2] if label[1] else ""))
            found.append((number, line))
        return found

    def _notes(self):
        """{(path, step): function} where the source says that a step is done in C."""
        owner, found = "", {}
        for _, line in self.lines:
            label = LABEL.match(line)
            if label and not label[1]:
                owner = label[2][len(self.design.ident) + 1:]
            if note := IN_C.match(line):
                found[owner, note[1]] = "in %s()" % note[2]
        return found


def same_code(side, line):
    """@line with nothing left of what two designs may differ in without differing."""
    return re.sub(r"\b%s_" % side.design.ident, "@_", re.sub(r"\s+", " ",
                                                             line.split(";")[0])).strip()


def side_by_side(a, b):
    """The assembly's lines, ready to print."""
    codes = [[same_code(s, line) for _, line in s.lines] for s in (a, b)]
    matcher = difflib.SequenceMatcher(None, *codes, autojunk=False)
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        for left, right in zip_longest(a.lines[a1:a2], b.lines[b1:b2]):
            mark = " " if kind == "equal" else "|" if left and right else "<" if left else ">"
            yield ("%s %s %s" % (column(left), mark, column(right))).rstrip()


def column(entry):
    """One half of a line: the number, and the text cut to fit."""
    number, line = entry or ("", "")
    return ("%3s %s" % (number, line.expandtabs(8)))[:COLUMN].ljust(COLUMN)


def merged(first, second):
    """The names of both lists, in the first one's order as far as it goes."""
    return first + [name for name in second if name not in first]


def rows_of(a, b):
    """Path, step, and what each of two pieces has there."""
    for path in merged(a.paths(), b.paths()):
        steps = merged(a.text.steps(path), b.text.steps(path)) or [""]
        for n, step in enumerate(steps):
            cells = (piece.cell(path, step) for piece in (a, b))
            yield path if n == 0 else "", "." + step if step else "", *cells
        if steps != [""]:
            yield "", "in all", str(a.total(path)), str(b.total(path))


def table(a, b):
    """The second part: path, step, A, B."""
    rows = [("path", "step", a.design.name, b.design.name), *rows_of(a.own, b.own)]
    if a.shared.name != b.shared.name:
        rows += [("", "", "", ""), ("shared", "", a.shared.name, b.shared.name)]
        rows += rows_of(a.shared, b.shared)
    widths = [max(len(r[i]) for r in rows) for i in range(4)]
    for r in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(r, widths)).rstrip()


def arguments():
    """The command line, with two designs' names that exist."""
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("a", nargs="?", default=os.environ.get("A"))
    p.add_argument("b", nargs="?", default=os.environ.get("B"))
    p.add_argument("--build", default=paths.build())
    args = p.parse_args()
    known = {d.name: d for d in designs()}
    for key, name in (("A", args.a), ("B", args.b)):
        if name not in known:
            said = "is no design" if name else "is missing"
            sys.exit("diff: %s=%s %s; both A= and B= are one of: %s" %
                     (key, name or "", said, " ".join(known)))
    return known[args.a], known[args.b], paths.use_build(args.build)


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    a, b, build = arguments()
    if not (build / "vestibule.elf").exists():
        sys.exit("diff: no %s: run `make` first" % (build / "vestibule.elf"))
    kernel = built_kernel()
    stub_size = constants()["ENTRY_STUB_SIZE"]
    sides = [Side(d, kernel, stub_size) for d in (a, b)]
    print("\n".join(side_by_side(*sides)))
    print("\nInstructions in the image:\n")
    print("\n".join(table(*sides)))
    print()
    pieces = [piece for side in sides for piece in (side.own, side.shared)]
    print("\n".join(dict.fromkeys(piece.summary() for piece in pieces)))


if __name__ == "__main__":
    main()
