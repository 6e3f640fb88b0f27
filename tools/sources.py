#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""sources.py - the project's own files: what git tracks; in a copy without git all that is there.

    sources.py [PATTERN...]     prints them, one a line; a * of a pattern goes over slashes too

A pattern that no file matches is an error: who asked for it would look at nothing.
"""
import fnmatch
import os
import subprocess
import sys
from pathlib import Path

from designs import ROOT

SKIP = {".git", "__pycache__", "build"}


def tracked(root: Path, *words: str) -> list[str]:
    """What git tracks, or lists for @words; [] where there is no git, or where it knows nothing of this tree."""
    try:
        done = subprocess.run(["git", "ls-files", "-z", *words], cwd=root, capture_output=True, check=False)
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


def main() -> None:
    names = sources()
    for pattern in sys.argv[1:]:
        if not fnmatch.filter(names, pattern):
            sys.exit(f"sources.py: no file of {ROOT} matches {pattern}")
    wanted = sys.argv[1:] or ["*"]
    print("\n".join(n for n in names if any(fnmatch.fnmatchcase(n, p) for p in wanted)))


if __name__ == "__main__":
    main()
