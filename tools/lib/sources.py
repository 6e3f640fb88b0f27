# SPDX-License-Identifier: MIT
"""sources.py - the project's own files: what git tracks; in a copy without git all that is there.
"""
import os
import subprocess
from pathlib import Path

from .paths import ROOT


SKIP = {".git", "__pycache__", "build"}


def tracked(root: Path, *words: str) -> list[str]:
    """What git tracks, or lists for @words; [] where there is no git, or where it knows nothing of
    this tree."""
    try:
        done = subprocess.run(["git", "ls-files", "-z", *words],
                              cwd=root,
                              capture_output=True,
                              check=False)
    except OSError:
        return []
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def is_build(folder: Path) -> bool:
    return (folder / "gen" / "asm-offsets.inc").exists()


def present(root: Path) -> list[str]:
    """All files but those of build directories."""
    found = []
    for folder, inside, names in os.walk(root):
        here = Path(folder)
        inside[:] = [d for d in inside if d not in SKIP and not is_build(here / d)]
        found += [str((here / name).relative_to(root)) for name in names]
    return found


def sources(root: Path = ROOT) -> list[str]:
    """Names relative to @root, sorted; only of files that are there."""
    names = tracked(root)
    if "Makefile" not in names:
        names = present(root)
    return sorted(n for n in names if (root / n).is_file())
