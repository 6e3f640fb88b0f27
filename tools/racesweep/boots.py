# SPDX-License-Identifier: MIT
"""The boots of tests/programs/races, and what they print.

One boot sweeps one call as X against every call that shares something with it. It reports each pair
as `RACE <x> <y> <held> <total> runs <n> done <n> asleep <n> waits <n>`, and where Y waited for X as
`RACE waits <address> <times> <symbol>`.
"""
import re
from dataclasses import dataclass, field

from lib.boots import Boot
from lib.outcome import ktap
from lib.paths import ROOT

TABLE = ROOT / "tests" / "programs" / "races" / "calls.c"
PAIR = re.compile(r"^RACE (\w+) (\w+) (\d+) (\d+) runs (\d+) done (\d+) asleep (\d+) waits (\d+)$")
MORE = re.compile(r"^RACE (third \w+ \w+ \w+|second \w+ \w+) (\d+) (\d+) runs (\d+) ")
LISTED = re.compile(r"^RACE pair (\w+) (\w+)$")
WAITS = re.compile(r"^RACE waits ([0-9a-f]+) (\d+) (\S+)$")
WRONG = re.compile(r"^(# race|not ok|PANIC)")
CPUS, CPUS_OF_THREE = 4, 5
MEMORY = 64             # MiB: each frame is looked at each time
HANG_AFTER = 3600       # seconds: one call against all others, on a busy machine


class RaceError(Exception):
    """A boot went wrong; the second argument, when there is one, is the end of its log."""


@dataclass
class Pair:
    held: int           # instructions of X at which it was held
    total: int          # and all of X
    runs: int
    done: int           # how the holds ended: Y came back, slept, or waited
    asleep: int
    waits: int


@dataclass
class Swept:
    """What some boots reported: pairs[x][y], and {address: (times, symbol)} where Y waited for X;
    and their lines."""
    pairs: dict = field(default_factory=dict)
    places: dict = field(default_factory=dict)
    # {"third x y z" or "second x y": (held, total, runs)}
    more: dict = field(default_factory=dict)
    lines: list = field(default_factory=list)

    def add(self, text):
        told = [line for line in text.splitlines() if line.startswith("RACE ")]
        self.lines += told
        for line in told:
            if found := PAIR.match(line):
                self.pairs.setdefault(found[1], {})[found[2]] = Pair(*map(int, found.groups()[2:]))
            elif found := MORE.match(line):
                self.more[found[1]] = tuple(map(int, found.groups()[1:]))
            elif found := WAITS.match(line):
                times = self.places.get(int(found[1], 16), (0, ""))[0]
                self.places[int(found[1], 16)] = (times + int(found[2]), found[3])

    @property
    def runs(self):
        return sum(p.runs for ys in self.pairs.values()
                   for p in ys.values()) + sum(m[2] for m in self.more.values())


def calls():
    """The names in tests/programs/races' table, in its order."""
    return re.findall(r'^\t\{ "(\w+)", SYS_', TABLE.read_text(), re.M)


def boot(design, words, seed=1, what="races", cpus=CPUS, mixed=False):
    """A boot with tests=races-<words> that must pass; @mixed: its processes have the designs in
    turn. Returns its Outcome."""
    tests = "-".join([*["mixed"] * mixed, "races", *words])
    outcome = Boot(f"entry={design} tests={tests} seed={seed}", cpus=cpus, icount=True, what=what,
                   memory=MEMORY, timeout=HANG_AFTER).run()
    if outcome.verdict != "pass" or (words != ["list"] and ktap(outcome.lines)[1]):
        wrong = [x for x in outcome.lines if WRONG.match(x)]
        at = [x for x in outcome.lines if x.startswith("race: ")][-1:]
        raise RaceError(
            f"{design}, tests={tests} seed={seed}: {outcome.describe()}",
            at + wrong[:12] + outcome.tail(30) +
            [f"the whole log: {outcome.log}; tests=races-<x>-<y>-k<instructions> repeats one run"])
    return outcome


def pairs(design):
    """Every pair that shares something, [(x, y)]."""
    found = [LISTED.match(x) for x in boot(design, ["list"], what="races-list").lines]
    return [(f[1], f[2]) for f in found if f]


def sweep(design, xs, stride=1, seed=1, only_y=""):
    """Calls @xs, which follow each other in the table, against every other, or @only_y; a
    Swept."""
    names = calls()
    words = [f"x{names.index(xs[0])}", f"u{names.index(xs[-1])}"]
    words += [f"y{names.index(only_y)}"] if only_y else []
    words += [f"s{stride}"] if stride > 1 else []
    swept = Swept()
    swept.add(boot(design, words, seed, f"races-{xs[0]}" + (f"-{only_y}" if only_y else "")).text)
    return swept


def sample(design, pairs_wanted, stride, seed, mixed=False):
    """Some pairs, which the seed chooses, in one boot; a Swept."""
    swept = Swept()
    swept.add(boot(design, [f"p{pairs_wanted}", f"s{stride}"], seed, "races-sample",
                   mixed=mixed).text)
    return swept


def more(design, kind, stride, seed):
    """@kind "third": all triples; "second": all pairs whose Y is stopped as well. In one boot; a
    Swept."""
    swept = Swept()
    swept.add(boot(design, [kind, f"s{stride}"], seed, f"races-{kind}",
                   CPUS_OF_THREE if kind == "third" else CPUS).text)
    return swept
