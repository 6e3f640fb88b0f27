# SPDX-License-Identifier: MIT
"""Coverage: which instructions an event has come at, of those where one can.

The rows are the paths, each against its undisturbed trace, and `entry_text`: every instruction that
the proof (build/proof.json) finds.  A design's table is of its own text.  What it shares with its
kind has one table for all its designs, counted once: what came there in any of them.  Where no
event of a kind can come is said in entry/fire.json, by place or by path, and with the reason; a
rule that excuses nothing is an error, and so is a path that has no row.
"""
import json
import re
from typing import NamedTuple

from lib.paths import ROOT

from .boots import Sweep
from .pieces import Pieces

RULES = ROOT / "entry" / "fire.json"
PATHS = ROOT / "tests" / "programs" / "fire" / "paths.c"
KINDS = ("nmi", "db", "nmi_4cpus")
EXCUSES = {"nmi": ("nmi",), "db": ("db",), "nmi_4cpus": ("nmi", "db", "held")}
PARTS = ("cr3", "gs", "rsp", "if")


def rules(path=RULES):
    """[(kinds, compiled pattern, reason)]."""
    return [(tuple(r["kinds"]), re.compile(r["at"]), r["reason"])
            for r in json.loads(path.read_text())["unreachable"]]


def exempt_paths(path=RULES):
    """{(path, kind): why it is not swept}."""
    return {(r["path"], kind): r["reason"]
            for r in json.loads(path.read_text())["not_swept"] for kind in r["kinds"]}


def declared_paths():
    """The names in tests/programs/fire's table."""
    return re.findall(r'^\t\{ "(\w+)", ', PATHS.read_text(), re.M)


def untaken(undisturbed):
    """Declared paths that were not taken."""
    return [p for p in declared_paths() if p not in undisturbed.paths]


class Text:
    """Entry text: where its instructions are, and what state the proof allows there."""

    def __init__(self, place, states):
        self.place, self.states = place, states     # {offset: name}, {offset: {part: words}}

    def excused(self, kind, table):
        """{offset: reason} for events of @kind."""
        found = {}
        for offset, place in self.place.items():
            for kinds, pattern, reason in table:
                if set(EXCUSES[kind]) & set(kinds) and pattern.search(place):
                    found[offset] = reason
                    break
        return found


def text_of(design, proof=None):
    """All that runs in @design, by the offsets of its Pieces."""
    found = Pieces(design, proof).places()
    return Text({o: found[o][0] for o in sorted(found)},
                {o: dict(zip(PARTS, map(set, zip(*states)))) for o, (_, states) in found.items()})


class Part(NamedTuple):
    """One text with what came there."""
    text: Text
    sweep: Sweep
    undisturbed: "Paths"


class Paths(NamedTuple):
    """As in Undisturbed: the offsets that each path takes."""
    paths: dict


def cut(part, start, end):
    """What of @part lies at offsets from @start on, below @end; these count from 0 then."""
    def within(cells):
        return {o - start: x for o, x in cells.items() if start <= o < end}
    seen = {path: {kind: within(cells) for kind, cells in kinds.items()}
            for path, kinds in part.sweep.seen.items()}
    paths = {path: {o - start for o in offsets if start <= o < end}
             for path, offsets in part.undisturbed.paths.items()}
    text = Text(within(part.text.place), within(part.text.states))
    return Part(text, Sweep(seen), Paths({path: taken for path, taken in paths.items() if taken}))


def together(parts):
    """One text that several designs share, with what came there in any of them."""
    sweep, paths = Sweep(), {}
    for part in parts:
        for path, offsets in part.undisturbed.paths.items():
            paths[path] = paths.get(path, set()) | offsets
        for path, kinds in part.sweep.seen.items():
            for kind, cells in kinds.items():
                into = sweep.seen.setdefault(path, {}).setdefault(kind, {})
                for offset, state in cells.items():
                    into[offset] = into.get(offset, 0) | state
    return Part(parts[0].text, sweep, Paths(paths))


def row(total, covered, excused):
    """[covered, total] without what is excused and was not covered all the same."""
    wanted = {o for o in total if o in covered or o not in excused}
    return [len(wanted & set(covered)), len(wanted)]


def table(text, sweep, undisturbed, by_rule=None, exempt=None):
    """{row: {kind: [covered, total]}} and {kind: sorted missing places of entry_text}."""
    by_rule = rules() if by_rule is None else by_rule
    exempt = exempt_paths() if exempt is None else exempt
    result, missing = {}, {k: [] for k in KINDS}
    for kind in KINDS:
        excused = text.excused(kind, by_rule)
        everywhere = sweep.union(kind)
        if not everywhere:
            continue                    # a sample without that kind
        for path, total in undisturbed.paths.items():
            if (path, kind) not in exempt:
                covered = sweep.seen.get(path, {}).get(kind, {})
                result.setdefault(path, {})[kind] = row(total, covered, excused)
        result.setdefault("entry_text", {})[kind] = row(text.place, everywhere, excused)
        missing[kind] = [
            text.place[o] for o in sorted(text.place) if o not in everywhere and o not in excused
        ]
    return result, missing


def unknown_places(text, sweep):
    """Places of entry text where an event came, and the proof knows no instruction."""
    return sorted(hex(o) for o in set().union(*map(sweep.union, KINDS)) if o not in text.place)


def stale(parts, by_rule):
    """Rules that excuse nothing which was not reached anyway."""
    needed = set()
    for text, sweep, _ in parts:
        for kind in KINDS:
            seen = sweep.union(kind)
            for offset, place in text.place.items():
                hit = next((i for i, (kinds, pattern, _) in enumerate(by_rule)
                            if set(EXCUSES[kind]) & set(kinds) and pattern.search(place)), None)
                if hit is not None and offset not in seen:
                    needed.add(hit)
    return [by_rule[i][1].pattern for i in range(len(by_rule)) if i not in needed]


def contradictions(text, sweep, bits):
    """Where an event found a state that the proof rules out: [(place, part, found, allowed)]."""
    wrong = []
    for offset, state in sorted(sweep.states().items()):
        for bit, (part, word) in bits.items():
            allowed = text.states.get(offset, {}).get(part, set())
            if state & bit and word not in allowed and "any" not in allowed:
                wrong.append((text.place.get(offset, hex(offset)), part, word, sorted(allowed)))
    return wrong
