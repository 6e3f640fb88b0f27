# SPDX-License-Identifier: MIT
"""treecopy.py - a copy of the tree, and of what make has made of it: where a build or a patch is
tried."""
import os
import shutil
from pathlib import Path

from .sources import present, tracked

MADE = ("gen", "kernel", "user", "notes")       # folders of a build directory that make fills


def source_names(root: Path) -> list[str]:
    """The project's own files, those that git does not know yet among them."""
    names = tracked(root, "--cached", "--others", "--exclude-standard")
    return sorted(n for n in names or present(root) if (root / n).is_file())


def copy_sources(root: Path, tree: Path) -> None:
    """All of them, with their times and modes."""
    for name in source_names(root):
        to = tree / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, to, follow_symlinks=False)


def copy_build(made: Path, build: Path) -> None:
    """What make has made in @made, with its times; no logs, no other build directories."""
    build.mkdir(parents=True)
    for path in made.iterdir():
        if path.is_dir() and path.name in MADE:
            shutil.copytree(path, build / path.name)
        elif path.is_file() and path.suffix != ".log":
            shutil.copy2(path, build)


def environment() -> dict[str, str]:
    """As a shell has it: without what the make around this program hands down."""
    mine = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BUILD", "TOOLS_READY", "T",
            "PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
    return {k: v for k, v in os.environ.items() if k not in mine}
