#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""prove.py - prove that every design's entry text touches only what its table maps, and that its state notes hold.

    prove.py [--kernel ELF] [--constants constants.json] [--entry DIR] [--design NAME] [--json FILE]

One line a design; status 1 when something fails.  The theory is in entry/README.md, "The proof of the closure".
"""
import argparse
import sys
from pathlib import Path

from lib import paths
from lib.designs import designs
from lib.paths import ROOT
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


def prove(facts, notes, report):
    """Explore one design and judge it. Returns the Explorer."""
    before = len(report.failures)
    explorer = Explorer(facts, report).run()
    if len(report.failures) == before:      # else these would only repeat it
        for address, text in explorer.unreached():
            report.fail_at(facts, address, f"{text}: no path from an entry point leads here", "remove it or call it")
        notes.check(facts, explorer, report)
        depth(facts, explorer, report)
    for address in sorted(facts.trusted().keys() - explorer.machine.used_trust):
        report.fail_at(facts, address, "is vouched for without need", "remove the annotation")
    return explorer


def depth(facts, explorer, report):
    """An exception on the user table goes on below what the path it hit had used: both must fit."""
    deepest = explorer.machine.deepest
    used = -deepest.get(facts.landing, 0) - deepest.get("found", 0) + 48
    if facts.split and used > 4096:
        report.fail_at(facts, facts.stubs, f"{used} bytes of a {facts.landing} stack in the worst case", "use less")


def summary(facts, explorer, bad):
    count = len([a for a in explorer.seen if facts.in_text(a)])
    trusted = facts.trusted()
    lines = [f"proof: {facts.name}: vouched for: {facts.name_of(a)}: {r}" for a, r in sorted(trusted.items())]
    verdict = f"{bad} failures" if bad else "closed"
    return lines + [f"proof: {facts.name}: {count} instructions, {explorer.states} states, {len(trusted)} annotations, "
                    f"{verdict}"]


def main(argv=None):
    args = arguments(argv)
    image = Image(args.kernel, args.constants, args.entry)
    report, notes, results = Report(image), Notes(args.entry), {}
    for design in designs(args.entry / "registry.h"):
        if args.design not in (None, design.name):
            continue
        facts = DesignFacts(image, design)
        before = len(report.failures)
        try:
            explorer = prove(facts, notes, report)
        except Endless as endless:
            print(f"proof: {endless}")
            return 1
        print("\n".join(summary(facts, explorer, len(report.failures) - before)))
        results[design.name] = {"instructions": state_table(explorer),
                                "stack_depth": {a: -d for a, d in sorted(explorer.machine.deepest.items())}}
    print("".join(line + "\n" for line in report.lines()), end="")
    if len(image.trusted) > TRUSTED_MOST:
        print(f"proof: {len(image.trusted)} annotations, at most {TRUSTED_MOST}: this proves too little")
        return 1
    if args.json and not report.failures:
        write_json(args.json, results)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
