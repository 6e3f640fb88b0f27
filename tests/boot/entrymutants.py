# SPDX-License-Identifier: MIT
"""entrymutants.py - some instructions of entry text are blanked: a test must notice each.

The seed draws them, in each design's own text and in what kinds of designs share.
The whole set is the business of `make mutants`; its result is docs/mutants.md.
"""
import random

from check import DESIGNS, ROOT, Check, Failed
from lib import paths, settings
from lib.constants import constants
from lib.designs import Design, kinds
from lib.elf import built_kernel
from mutation import explain
from mutation.image import Copy, image_hash
from mutation.killers import KILLERS, Killer
from mutation.lab import Baseline, NotPassing, attempt, key
from mutation.subjects import Subject, subjects
from vmeasure.code_figures import entry_ranges
from vmeasure.entrytext import Insn

PICK = 3
SEED = settings.seed()


def killed_by(insn: Insn, design: Design, copy: Copy, base: Baseline) -> str:
    """The killer's title; Failed when every killer passes."""
    for killer in KILLERS:
        base.learn(killer, copy)
        if base.applies(killer, insn):
            row = attempt(insn, design, copy, base, [killer])
            if row["killed_by"]:
                return row["killed_by"]
    raise Failed(
        f"nothing notices that '{insn.text}' at {key(insn)} is blanked: see `make mutants`")


def known_subjects() -> list[Subject]:
    return subjects(built_kernel(), DESIGNS, constants()["ENTRY_STUB_SIZE"])


def mutants_check(name: str, drawn_by: Killer) -> Check:
    """Of the instructions that @drawn_by executes, in the text with that @name."""
    def run() -> str:
        subject = next(s for s in known_subjects() if s.name == name)
        copy = Copy(paths.build(), paths.build() / "mutants" / f"check-{name}")
        ranges, image = entry_ranges(copy.elf, subject.design), image_hash(paths.build())
        base = Baseline(subject.design, ranges, image, copy.directory / "base.json")
        rules = explain.load(ROOT / "entry" / "mutants.json")
        try:
            base.learn(drawn_by, copy)
            candidates = [i for i in subject.instructions if base.applies(drawn_by, i)
                          and i.vector is None and not explain.reason(rules, subject, i)]
            chosen = random.Random(f"{SEED} {name}").sample(candidates, PICK)
            found = [f"{key(i)} by {killed_by(i, subject.design, copy, base)}" for i in chosen]
        except NotPassing as error:
            raise Failed(str(error)) from None
        return f"seed {SEED}: " + ", ".join(found)
    return Check(f"{name}.mutants", run)


def checks() -> list[Check]:
    """An ordinary program goes through little of what is shared: there another killer draws."""
    every_stub = next(k for k in KILLERS if k.name == "fire-trace")
    return ([mutants_check(d.name, KILLERS[0]) for d in DESIGNS]
            + [mutants_check(ident, every_stub) for ident in kinds(DESIGNS)])
