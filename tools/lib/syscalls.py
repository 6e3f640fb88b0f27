# SPDX-License-Identifier: MIT
"""syscalls.py - the system calls, as kernel/syscalls.def defines them."""
import re
from pathlib import Path
from typing import NamedTuple

from .paths import ROOT

DEFINITION = ROOT / "kernel" / "syscalls.def"
LINE = re.compile(r"(\d+)\s+([a-z][a-z0-9_]*)\(([^)]*)\)\s*:\s*([^:]*?)\s*:\s*(.+)")


class Call(NamedTuple):
    number: int
    name: str
    args: list
    errors: list
    text: str
    place: str      # file:line


class BadDefinition(Exception):
    """What is wrong with a line, and which."""


def parse(line: str, place: str) -> Call:
    found = LINE.fullmatch(line.strip())
    if not found:
        raise BadDefinition(
            f"{place}: not 'number name(argument, ...) : errors : text': {line.strip()}")
    args = [a.strip() for a in found[3].split(",") if a.strip()]
    errors = [e.strip() for e in found[4].split(",") if e.strip() not in ("", "-")]
    return Call(int(found[1]), found[2], args, errors, found[5], place)


def calls(path: Path = DEFINITION) -> list[Call]:
    """All of them, in order."""
    found = [
        parse(line, f"{path.name}:{number}")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    if not found:
        raise BadDefinition(f"{path.name}: no system call")
    return found
