# SPDX-License-Identifier: MIT
"""What a run has found: the records beside the patches, the terminal, and docs/seeded.md."""
import json
from collections import Counter
from pathlib import Path

from lib.paths import ROOT
from mutation.page import meta_line, table
from mutation.report import write_page

from .patches import ORIGINS
from .tree import SEEDED

FIRST, LATEST = ROOT / SEEDED / "first_contact.json", ROOT / SEEDED / "results.json"
PAGE = ROOT / "docs" / "seeded.md"
HEAD = """# Planted bugs

Made by `make seeded`; do not edit. Each `tests/seeded/*.patch` breaks one thing in the kernel
outside the entry text. It is applied, built and run with one test after the other
(`tools/seeding/ladder.py`) until one fails. *First contact* is what became of a bug when it was
first run, with the tests of that day (`tests/seeded/first_contact.json`); *now* is with the tests
of today (`tests/seeded/results.json`). An unexplained survivor is an error.
"""
MOST_LINES = 80


class Record:
    """A JSON file, {patch's name: {killed_by, signature}}, a line each, so that two people's lines
    do not collide."""

    def __init__(self, path: Path, elsewhere: Path):
        self.path, self.elsewhere = path, elsewhere
        self.entries = json.loads(path.read_text()) if path.exists() else {}

    def add(self, row: dict, overwrite: bool) -> None:
        if overwrite or row["name"] not in self.entries:
            self.entries[row["name"]] = {
                "killed_by": row["killed_by"], "signature": row["signature"]
            }
            self.write()

    def write(self) -> None:
        lines = [
            f"{json.dumps(name)}: {json.dumps(entry)}"
            for name, entry in sorted(self.entries.items())
        ]
        self.elsewhere.mkdir(parents=True, exist_ok=True)
        write_page("{\n" + ",\n".join(lines) + "\n}\n", self.path, self.elsewhere)

    def killed(self, patches) -> int:
        return sum(1 for p in patches if self.entries.get(p.name, {}).get("killed_by"))


class Findings:
    """Patches and what is known of each: rows by name."""

    def __init__(self, patches, rows, errors, first):
        self.patches, self.rows, self.errors, self.first = patches, rows, errors, first
        tried = [p for p in patches if p.name in rows]
        self.tried = tried
        self.killed = [p for p in tried if rows[p.name]["killed_by"]]
        survivors = [p for p in tried if not rows[p.name]["killed_by"]]
        self.explained = [p for p in survivors if p.survives]
        self.unexplained = [p for p in survivors if not p.survives]
        self.stale = [p for p in self.killed if p.survives]

    @property
    def good(self) -> bool:
        return not (self.unexplained or self.errors or self.stale)

    def summary(self) -> str:
        return (
            f"{len(self.killed)} of {len(self.tried)} killed, {len(self.explained)} explained, "
            f"{len(self.unexplained)} unexplained; at first contact "
            f"{self.first.killed(self.tried)} killed"
        )


def show(found: Findings) -> None:
    for error in found.errors:
        print(f"error: {error}")
    for p in found.unexplained:
        print(f"survives unexplained: {p.name}: {p.what} (breaks: {p.breaks})")
    for p in found.stale:
        print(
            f"explained, but killed by {found.rows[p.name]['killed_by']}: {p.name}: take its "
            f"Survives: line out"
        )
    print(found.summary())


def rates(found: Findings, name: str, key) -> str:
    """A table of kill rates by @key of a patch."""
    rows = [[name, "planted", "killed at first contact", "killed now", "explained"]]
    groups = Counter(key(p) for p in found.tried)
    for group, count in sorted(groups.items()):
        mine = [p for p in found.tried if key(p) == group]
        rows.append([group, count, found.first.killed(mine), sum(p in found.killed for p in mine),
                     sum(p in found.explained for p in mine)])
    return table(rows)


def killers(found: Findings) -> str:
    """Who killed how many; the rare ones in one line."""
    count = Counter(found.rows[p.name]["killed_by"] for p in found.killed)
    often = [[who, n] for who, n in count.most_common(16) if n > 1]
    rest = [who for who, n in sorted(count.items()) if [who, n] not in often]
    text = "## Who noticed\n\n" + table([["test", "bugs"], *often])
    return text + (f"\nOne or a few each: {', '.join(rest)}.\n" if rest else "")


def listed(title: str, patches, reason) -> str:
    if not patches:
        return f"## {title}\n\nNone.\n"
    return f"## {title}\n\n" + table([["bug", "what", "why"]] +
                                     [[p.name, p.what, reason(p)] for p in patches])


def page(found: Findings, build: Path, image: str) -> str:
    parts = [
        HEAD,
        meta_line(build, image), f"**{found.summary()}.**\n",
        "## By origin\n\n" + rates(found, "origin", lambda p: f"{p.origin}: {ORIGINS[p.origin]}"),
        "## By area\n\n" + rates(found, "area", lambda p: p.area),
        killers(found),
        listed("Explained survivors", found.explained, lambda p: p.survives),
        listed("Unexplained survivors", found.unexplained, lambda p: "**unexplained**")
    ]
    text = "\n".join(parts)
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        lines = lines[:MOST_LINES -
                      1] + [f"(and {len(lines) - MOST_LINES + 1} lines more on the terminal)"]
    return "\n".join(lines) + "\n"
