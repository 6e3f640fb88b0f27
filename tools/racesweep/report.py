# SPDX-License-Identifier: MIT
"""The coverage of the race sweep: put together, judged, written as JSON, printed as a table."""
import json

from .boots import Swept
from .locks import name_of


class Report:
    """The sweeps of some designs. @whole: those that are swept at every instruction, the others are
    samples."""

    def __init__(self, wanted, whole):
        self.wanted, self.whole = wanted, list(whole)   # [(x, y)], names of designs
        self.swept = {}                                 # {design: Swept}

    def add(self, design, swept):
        all_of_it = self.swept.setdefault(design, Swept())
        for x, ys in swept.pairs.items():
            all_of_it.pairs.setdefault(x, {}).update(ys)
        all_of_it.more.update(swept.more)
        for address, (times, symbol) in swept.places.items():
            all_of_it.places[address] = (all_of_it.places.get(address, (0, ""))[0] + times, symbol)

    def rows(self):
        """{x: {y: [held, total]}}: of the designs that are swept as a whole the one with the most
        left out."""
        found = {}
        for design in self.whole:
            for x, ys in self.swept[design].pairs.items():
                for y, pair in ys.items():
                    row, old = [pair.held, pair.total], found.setdefault(x, {}).get(y)
                    if old is None or row[1] - row[0] > old[1] - old[0]:
                        found[x][y] = row
        return found

    def problems(self):
        """What keeps this from being a pass, one line each."""
        found = []
        for design, swept in self.swept.items():
            for x, y in self.wanted:
                pair = swept.pairs.get(x, {}).get(y)
                if pair is None:
                    found.append(f"{design}: {x}, {y}: not swept")
                elif design in self.whole and pair.held < pair.total:
                    found.append(
                        f"{design}: {x}, {y}: held at {pair.held} of {pair.total} instructions")
                elif not pair.held:
                    found.append(f"{design}: {x}, {y}: never held")
        return found

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "coverage.json").write_text(json.dumps(self.rows(), indent=1) + "\n")
        designs = {
            design:
            {x: {y: [p.held, p.total]
                 for y, p in ys.items()}
             for x, ys in swept.pairs.items()}
            for design, swept in self.swept.items()
        }
        for design, swept in self.swept.items():
            designs[design].update({name: list(counts[:2]) for name, counts in swept.more.items()})
        (folder / "designs.json").write_text(json.dumps(designs, indent=1) + "\n")

    def print(self, elf):
        print("%-16s%6s%14s%14s%14s%14s%14s" %
              ("X", "Ys", "instructions", "held", "Y came back", "Y slept", "Y waited"))
        for design, swept in self.swept.items():
            print(f"{design}: {swept.runs} runs" + ("" if design in self.whole else ", a sample"))
            for x, ys in swept.pairs.items():
                pairs = ys.values()
                print("%-16s%6d%14d%14d%14d%14d%14d" %
                      (x, len(ys), sum(p.total for p in pairs), sum(p.held for p in pairs),
                       sum(p.done for p in pairs), sum(p.asleep
                                                       for p in pairs), sum(p.waits
                                                                            for p in pairs)))
            for name, (held, total, runs) in swept.more.items():
                print("%-36s%14d%14d%14d runs" % (name, total, held, runs))
        print("# what Y waited for:")
        names = {}
        for swept in self.swept.values():
            for address, (times, symbol) in swept.places.items():
                name = name_of(elf, address, symbol)
                names[name] = names.get(name, 0) + times
        for name, times in sorted(names.items(), key=lambda n: -n[1]):
            print(f"#   {times:8d} {name}")
