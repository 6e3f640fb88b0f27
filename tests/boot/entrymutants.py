# SPDX-License-Identifier: MIT
"""entrymutants.py - some instructions of each design, drawn by seed, are blanked: a test must notice each.

The whole set is the business of `make mutants`; its result is docs/mutants.md.
"""
import random

from check import DESIGNS, ROOT, Check, Failed
from lib import paths, settings
from lib.constants import constants
from lib.designs import Design
from lib.elf import built_kernel
from mutation import explain
from mutation.image import Copy, image_hash
from mutation.killers import KILLERS
from mutation.lab import Baseline, NotPassing, attempt, key
from vmeasure.entrytext import EntryText, Insn

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
    raise Failed(f"nothing notices that '{insn.text}' at {key(insn)} is blanked: see `make mutants`")


def mutants_check(design: Design) -> Check:
    def run() -> str:
        stub_size = constants()["ENTRY_STUB_SIZE"]
        text = EntryText(built_kernel(), design.ident, stub_size)
        copy = Copy(paths.build(), paths.build() / "mutants" / f"check-{design.name}")
        base = Baseline(design, text, image_hash(paths.build()), copy.directory / "base.json")
        rules = explain.load(ROOT / "entry" / "mutants.json")
        try:
            base.learn(KILLERS[0], copy)
            candidates = [i for i in text.instructions if base.applies(KILLERS[0], i)
                          and i.vector is None and not explain.reason(rules, design, i)]
            chosen = random.Random(f"{SEED} {design.name}").sample(candidates, PICK)
            found = [f"{key(i)} by {killed_by(i, design, copy, base)}" for i in chosen]
        except NotPassing as error:
            raise Failed(str(error)) from None
        return f"seed {SEED}: " + ", ".join(found)
    return Check(f"{design.name}.mutants", run)


def checks() -> list[Check]:
    return [mutants_check(d) for d in DESIGNS]
