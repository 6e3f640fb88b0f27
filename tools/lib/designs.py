# SPDX-License-Identifier: MIT
"""designs.py - the entry designs, as entry/registry.h lists them.

Every tool that iterates over designs reads them here, so that a new design costs one
line in the registry.
"""
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

from . import settings
from .paths import ROOT

REGISTRY = ROOT / "entry" / "registry.h"


class Design(NamedTuple):
    ident: str      # prefix of its C and assembly symbols
    name: str       # entry=<name>
    summary: str    # one line


def designs(path: Path = REGISTRY) -> list[Design]:
    """The registry in its order.  A malformed or empty one is an error, never an empty list."""
    entries = []
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    pattern = re.compile(r'ENTRY_DESIGN\(\s*(\w+)\s*,\s*"([^"]+)"\s*,\s*"([^"]*)"\s*\)')
    for ident, name, summary in pattern.findall(text):
        entries.append(Design(ident, name, summary))
    if not entries or len(entries) != text.count("ENTRY_DESIGN("):
        raise ValueError(f'{path}: expected lines ENTRY_DESIGN(ident, "name", "summary"), '
                         f"understood {len(entries)}")
    return entries


def exposures(root: Path = ROOT) -> dict[str, dict]:
    """{name of a design: what entry/exposure.json says of it}."""
    return json.loads((root / "entry" / "exposure.json").read_text())["designs"]


def shared_text(design: Design, root: Path = ROOT) -> str:
    """Identifier of the entry text that @design shares with its kind: entry/<it>.asm."""
    return str(exposures(root)[design.name]["shared"])


def splits(design: Design, root: Path = ROOT) -> bool:
    """Has user mode a table of its own in @design? One that does not runs no other in its boot."""
    return bool(exposures(root)[design.name]["split"])


def kinds(chosen: list[Design]) -> dict[str, list[Design]]:
    """{identifier of a kind's entry text: the designs that share it}."""
    found: dict[str, list[Design]] = {}
    for design in chosen:
        found.setdefault(shared_text(design), []).append(design)
    return found


def chosen(entry: str | None = None) -> list[Design]:
    """The one called @entry (ENTRY= of the environment), or all; a mistake ends the program."""
    entry = settings.given("ENTRY") if entry is None else entry
    found = [d for d in designs() if entry in ("", d.name)]
    if not found:
        sys.exit(f"ENTRY={entry}: no such design. Valid: {', '.join(d.name for d in designs())}")
    return found
