# SPDX-License-Identifier: MIT
"""planted.py - every planted bug can still be planted, and some, drawn by seed, are: a test must
notice each.

The whole set is the business of `make seeded`; its result is docs/seeded.md.
"""
import random

from check import ROOT, Check, Failed
from lib import paths, settings
from seeding import report
from seeding.lab import Lab
from seeding.ladder import LONG as LONG_PROGRAMS, completed, step
from seeding.patches import BadPatch, Patch, load
from seeding.tree import SEEDED, BareTree, Tree

PICK = 4
SEED = settings.seed()
LONG = ["user", "smp"]      # boots of many programs: too long for a sample


def is_short(word: str) -> bool:
    """Does the test that noticed take a few seconds at most?"""
    found = step(word)
    return word.startswith("host.") or (found.kind == "boot" and
                                        found.name not in LONG + LONG_PROGRAMS)


def apply() -> str:
    """Each has the shape of one, and fits the sources."""
    try:
        patches, tree = load(ROOT / SEEDED), BareTree(ROOT)
    except BadPatch as error:
        raise Failed(str(error)) from None
    if bad := [f"{p.name}: {why}" for p in patches if (why := tree.applies(p))]:
        raise Failed(f"{len(bad)} patches do not apply", bad)
    if not patches:
        raise Failed("there is none")
    return f"{len(patches)} patches"


def noticed(lab: Lab, tree: Tree, patch: Patch, word: str) -> str:
    """By @word, or by what is named in the patch; Failed when those pass."""
    words = dict.fromkeys([word, *(completed(w, ROOT) for w in patch.tests)])
    with tree.with_patch(patch):
        for title in words:
            if lab.noticed(step(title), tree):
                return title
    raise Failed(f"{patch.name}: {', '.join(words)} passes: see `make seeded T={patch.name}`")


def sample() -> str:
    directory = paths.build() / "seeded" / "check"
    latest = report.Record(report.LATEST, directory).entries
    patches = [(p, latest[p.name]["killed_by"]) for p in load(ROOT / SEEDED) if p.name in latest]
    short = [(p, word) for p, word in patches if word and is_short(word)]
    if not short:
        raise Failed(f"{report.LATEST} names no test that noticed a bug: `make seeded`")
    chosen = random.Random(f"{SEED} seeded").sample(short, min(PICK, len(short)))
    try:
        tree = Tree(ROOT, paths.build(), directory / "worker")
        lab = Lab(paths.build(), directory)
        found = [f"{p.name} by {noticed(lab, tree, p, word)}" for p, word in chosen]
    except BadPatch as error:
        raise Failed(str(error)) from None
    return f"seed {SEED}: " + ", ".join(found)


def checks() -> list[Check]:
    return [Check("planted.apply", apply), Check("planted.sample", sample)]
