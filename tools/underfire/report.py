# SPDX-License-Identifier: MIT
"""The coverage of all designs: computed, written as JSON, printed as a table."""
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
        self.texts[design.name] = coverage.Text(design)
        self.undisturbed[design.name] = Undisturbed(design)
        self.sweeps[design.name] = sweep(design, self.stride, self.seed)
        sweep_four(design, self.sweeps[design.name], self.stride, self.seed)
        return self.sweeps[design.name].shots

    def problems(self, all_designs=True):
        """What keeps this from being a pass, one line each.  A rule may be needed by one design only: it can be called
        stale when @all_designs were run."""
        found, by_rule = [], coverage.rules()
        for name, text in self.texts.items():
            swept = self.sweeps[name]
            rows, missing = coverage.table(text, swept, self.undisturbed[name], by_rule)
            for place, part, word, allowed in coverage.contradictions(text, swept, state_bits()):
                found.append(f"{name}: {place}: found {part}={word}, the proof allows {' '.join(allowed)}")
            found += [f"{name}: an event at {x}, where the proof knows no instruction"
                      for x in coverage.unknown_places(text, swept)]
            found += [f"{name}: {path} was not taken" for path in coverage.untaken(self.undisturbed[name])]
            if self.stride > 1:
                continue
            for path, kinds in rows.items():
                found += [f"{name}: {path}: {kind} {covered} of {total}"
                          for kind, (covered, total) in kinds.items() if covered < total]
            found += [f"{name}: no {kind} came at {place}" for kind, places in missing.items() for place in places]
        if self.stride == 1 and all_designs:
            found += [f"entry/fire.json: rule {pattern} excuses nothing"
                      for pattern in coverage.stale(self.texts.values(), self.sweeps.values(), by_rule)]
        return found

    def rows(self):
        """{design: {path: {kind: [covered, total]}}}, as coverage.json has it."""
        return {name: coverage.table(text, self.sweeps[name], self.undisturbed[name])[0]
                for name, text in self.texts.items()}

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.rows(), indent=1) + "\n")

    def print(self):
        """The same as a table, and what is excused."""
        rows = self.rows()
        for name, paths in rows.items():
            print("%-22s%16s%16s%24s" % (name, "NMI", "#DB", "NMI from another CPU"))
            for path, kinds in paths.items():
                print("%-22s%16s%16s%24s" % (path, *("%d/%d" % tuple(kinds[k]) if k in kinds else "-"
                                                     for k in coverage.KINDS)))
        for (path, kind), reason in coverage.exempt_paths().items():
            print(f"# not for {kind}: path {path}: {reason}")
        for kinds, pattern, reason in coverage.rules():
            counts = ["%s %d" % (name, sum(bool(pattern.search(p)) for p in text.place.values()))
                      for name, text in self.texts.items()]
            print(f"# not for {', '.join(kinds)}: {pattern.pattern} ({', '.join(counts)} instructions): {reason}")
