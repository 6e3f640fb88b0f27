#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""prove.py - prove that every design's entry text touches only what its table maps, and that its
state notes hold.

    prove.py [--kernel ELF] [--constants constants.json] [--entry DIR] [--design NAME] [--json FILE]

One line a design, and one for what a kind of designs shares; status 1 when something fails.  The
theory is in entry/README.md, "The proof of the closure".
"""
import argparse
import sys
from pathlib import Path

from lib import paths
from lib.designs import designs
from lib.paths import ROOT
from proof import stubs
from proof.explore import Endless, Explorer
from proof.image import DesignFacts, Image
from proof.notes import Notes
from proof.report import Report, state_table, write_json

TRUSTED_MOST = 10       # operands that the source may vouch for, in all designs together


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kernel", type=Path, default=paths.build() / "vestibule.elf")
    parser.add_argument("--constants", type=Path, default=paths.build() / "gen" / "constants.json")
    parser.add_argument("--entry", type=Path, default=ROOT / "entry")
    parser.add_argument("--design", help="this one only")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(argv)


def prove(facts, notes, report, states=None):
    """Explore one text, a design's from its ways in or a kind's from @states, and judge it. Returns
    the Explorer."""
    before = len(report.failures)
    explorer = Explorer(facts, report).run(states)
    if len(report.failures) == before:      # else these would only repeat it
        for address, text in explorer.unreached():
            report.fail_at(facts, address, f"{text}: no path from an entry point leads here",
                           "remove it or call it")
        notes.check(facts, explorer, report)
    for address in sorted(facts.trusted().keys() - explorer.machine.used_trust):
        report.fail_at(facts, address, "is vouched for without need", "remove the annotation")
    return explorer


def depth(facts, deepest, report):
    """An exception on the user table goes on below what the path it hit had used: both must fit."""
    used = -deepest.get(facts.landing, 0) - deepest.get("found", 0) + 48
    if facts.split and used > 4096:
        report.fail_at(facts, facts.stubs,
                       f"{used} bytes of a {facts.landing} stack in the worst case", "use less")


def deepest_of(*explorers):
    """{area: lowest offset touched} in one text or the other."""
    found = {}
    for area, low in (item for e in explorers for item in e.machine.deepest.items()):
        found[area] = min(low, found.get(area, 0))
    return found


def summary(explorer, bad):
    facts = explorer.facts
    trusted = facts.trusted()
    lines = [
        f"proof: {facts.name}: vouched for: {facts.name_of(a)}: {r}"
        for a, r in sorted(trusted.items())
    ]
    verdict = f"{bad} failures" if bad else "closed"
    return lines + [f"proof: {facts.name}: {len(explorer.seen)} instructions, {explorer.states} "
                    f"states, {len(trusted)} annotations, {verdict}"]


class Run:
    """Every design's own text first; then, once for each kind, what its designs share, in every
    state in which one of them enters it.  A kind's text cannot tell its designs apart
    (SharedFacts), so that is as good as once for each."""

    def __init__(self, image, notes):
        self.notes, self.report = notes, Report(image)
        self.designs, self.shared = {}, {}      # name -> Explorer

    def walk(self, facts, states=None):
        """Explore and judge @facts; one line. Is it closed?"""
        before = len(self.report.failures)
        explorer = prove(facts, self.notes, self.report, states)
        if states is None:
            stubs.check(facts, self.report)
        print("\n".join(summary(explorer, len(self.report.failures) - before)))
        (self.designs if states is None else self.shared)[facts.name] = explorer
        return len(self.report.failures) == before

    def all(self, chosen):
        """@chosen: [DesignFacts]. Where a design fails, what it hands over may be nonsense: then
        nothing is said of what is shared."""
        good = all([self.walk(facts) for facts in chosen])
        for kind in {f.shared.kind(): f.shared for f in chosen}.values() if good else ():
            states = {}
            for facts in chosen:
                if facts.shared.kind() == kind.kind():
                    states.update(self.designs[facts.name].handed)
            self.walk(kind, states.values())
        for facts in chosen if good else ():
            texts = self.designs[facts.name], self.shared[facts.shared.name]
            depth(facts, deepest_of(*texts), self.report)

    def results(self):
        """What proof.json says: a design's own instructions, and those of its kind."""
        found = {"designs": {}, "shared": {}}
        for name, explorer in self.designs.items():
            shared = self.shared[explorer.facts.shared.name]
            deepest = deepest_of(explorer, shared)
            found["designs"][name] = {"shared": shared.facts.name, "text": explorer.facts.text[0],
                                      "stack_depth": {a: -d for a, d in sorted(deepest.items())},
                                      "instructions": state_table(explorer)}
        for name, explorer in self.shared.items():
            found["shared"][name] = {"text": explorer.facts.text[0],
                                     "instructions": state_table(explorer)}
        return found


def main(argv=None):
    args = arguments(argv)
    image = Image(args.kernel, args.constants, args.entry)
    run = Run(image, Notes(args.entry))
    try:
        run.all([DesignFacts(image, d) for d in designs(args.entry / "registry.h")
                 if args.design in (None, d.name)])
    except Endless as endless:
        print(f"proof: {endless}")
        return 1
    print("".join(line + "\n" for line in run.report.lines()), end="")
    if len(image.trusted) > TRUSTED_MOST:
        print(
            f"proof: {len(image.trusted)} annotations, at most {TRUSTED_MOST}: this proves too "
            f"little"
        )
        return 1
    if args.json and not run.report.failures:
        write_json(args.json, run.results())
    return 1 if run.report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
