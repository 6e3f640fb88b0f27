# SPDX-License-Identifier: MIT
"""The coverage of all designs: computed, written as JSON, printed as a table.

Each design's own text has a table, and each text that a kind of designs shares, with what came
there in any of them.  In shared text breakpoints are set by the boots of one design a kind.
"""
import json

from . import coverage
from .boots import Undisturbed, state_bits, sweep, sweep_four


class Report:
    """The sweeps of some designs, put together."""

    def __init__(self, seed, stride=1):
        self.seed, self.stride = seed, stride
        self.texts, self.sweeps, self.undisturbed = {}, {}, {}

    def run(self, design):
        """All boots of @design; FireError when one fails."""
        undisturbed = Undisturbed(design)
        again = any(u.pieces.shared == undisturbed.pieces.shared for u in self.undisturbed.values())
        self.texts[design.name] = coverage.text_of(design)
        self.undisturbed[design.name] = undisturbed
        self.sweeps[design.name] = sweep(design, self.stride, self.seed, again)
        sweep_four(design, self.sweeps[design.name], self.stride, self.seed, again)
        return self.sweeps[design.name].shots

    def parts(self):
        """{name: coverage.Part}: the designs, then what they share."""
        own, shared = {}, {}
        for name, text in self.texts.items():
            pieces = self.undisturbed[name].pieces
            whole = coverage.Part(text, self.sweeps[name], self.undisturbed[name])
            own[name] = coverage.cut(whole, 0, pieces.own_size)
            part = coverage.cut(whole, pieces.own_size, pieces.size)
            shared.setdefault(pieces.shared, []).append(part)
        return {**own, **{name: coverage.together(parts) for name, parts in shared.items()}}

    def problems(self, all_designs=True):
        """What keeps this from being a pass, one line each.  A rule may be needed by one
        design only: it can be called stale when @all_designs were run."""
        by_rule, parts = coverage.rules(), self.parts()
        found = [x for name in self.texts for x in self.untrue(name)]
        if self.stride > 1:
            return found
        for name, part in parts.items():
            found += self.missing(name, part, by_rule)
        if all_designs:
            found += [f"entry/fire.json: rule {pattern} excuses nothing"
                      for pattern in coverage.stale(parts.values(), by_rule)]
        return found

    def untrue(self, name):
        """What the boots of one design found, and the proof or the list of paths rules out."""
        text, swept = self.texts[name], self.sweeps[name]
        for place, part, word, allowed in coverage.contradictions(text, swept, state_bits()):
            yield f"{name}: {place}: found {part}={word}, the proof allows {' '.join(allowed)}"
        for place in coverage.unknown_places(text, swept):
            yield f"{name}: an event at {place}, where the proof knows no instruction"
        for path in coverage.untaken(self.undisturbed[name]):
            yield f"{name}: {path} was not taken"

    @staticmethod
    def missing(name, part, by_rule):
        """Where nothing came in one text."""
        rows, missing = coverage.table(*part, by_rule)
        for path, kinds in rows.items():
            for kind, (covered, total) in kinds.items():
                if covered < total:
                    yield f"{name}: {path}: {kind} {covered} of {total}"
        for kind, places in missing.items():
            for place in places:
                yield f"{name}: no {kind} came at {place}"

    def rows(self):
        """{text: {path: {kind: [covered, total]}}}, as coverage.json has it."""
        return {name: coverage.table(*part)[0] for name, part in self.parts().items()}

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.rows(), indent=1) + "\n")

    def print(self):
        """The same as a table, and what is excused."""
        for name, paths in self.rows().items():
            print("%-22s%16s%16s%24s" % (name, "NMI", "#DB", "NMI from another CPU"))
            for path, kinds in paths.items():
                print("%-22s%16s%16s%24s" %
                      (path, *("%d/%d" % tuple(kinds[k]) if k in kinds else "-"
                               for k in coverage.KINDS)))
        for (path, kind), reason in coverage.exempt_paths().items():
            print(f"# not for {kind}: path {path}: {reason}")
        for kinds, pattern, reason in coverage.rules():
            counts = ["%s %d" % (name, sum(bool(pattern.search(p)) for p in text.place.values()))
                      for name, (text, _, _) in self.parts().items()]
            print(
                f"# not for {', '.join(kinds)}: {pattern.pattern} ({', '.join(counts)} "
                f"instructions): {reason}"
            )
