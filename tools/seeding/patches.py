# SPDX-License-Identifier: MIT
"""The planted bugs: tests/seeded/<area>-<slug>.patch, a header of `Name: text` lines, a blank
line, a unified diff.

    What:      what is wrong, in one line
    Breaks:    which promise
    Origin:    how it was thought of: one of ORIGINS
    Tests:     names that are tried first (a hint; may be left out)
    Survives:  why no test can notice it (only where that is so)
"""
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

ORIGINS = {
    "kernel-alone": "from the kernel's sources, without a look at the tests",
    "kinds": "by the kinds of bugs that tests have missed before",
    "races": "for the race sweep",
    "found": "a bug that was there",
}
NEEDED, ALLOWED = {"What", "Breaks", "Origin"}, {"What", "Breaks", "Origin", "Tests", "Survives"}
PLACES = ("arch/", "boot/", "entry/", "kernel/", "mm/", "linker.ld")
ENTRY_TEXT = re.compile(r"entry/(.*\.(asm|inc)|flip\.h)$")     # the mutants' business


class BadPatch(Exception):
    """The file is no such patch, does not apply, or what it makes does not build."""


@dataclass(frozen=True)
class Patch:
    name: str               # the file's, without .patch
    what: str
    breaks: str
    origin: str
    diff: str
    files: tuple            # that it changes
    tests: tuple = ()
    survives: str = ""

    @property
    def area(self) -> str:
        return self.name.split("-")[0]

    @property
    def digest(self) -> str:
        """Of what it changes: the words around it may be bettered."""
        return hashlib.sha256(self.diff.encode()).hexdigest()[:16]


def fields_of(name: str, head: str) -> dict[str, str]:
    """The header's lines by their names."""
    fields: dict[str, str] = {}
    for line in head.splitlines():
        found = re.fullmatch(r"([A-Z][a-z]+): +(\S.*)", line)
        if not found or found[1] not in ALLOWED or found[1] in fields:
            raise BadPatch(
                f"{name}: a header line is `Name: text`, each of {' '.join(sorted(ALLOWED))} "
                f"once: {line}"
            )
        fields[found[1]] = found[2].strip()
    if lacking := NEEDED - fields.keys():
        raise BadPatch(f"{name}: the header lacks {' '.join(sorted(lacking))}")
    if fields["Origin"] not in ORIGINS:
        raise BadPatch(f"{name}: Origin is one of {', '.join(ORIGINS)}")
    return fields


def changed_files(name: str, diff: str) -> tuple:
    """What @diff changes: files of the kernel, none of them entry text."""
    files = tuple(sorted(set(re.findall(r"^\+\+\+ b/(\S+)", diff, re.M))))
    if not files:
        raise BadPatch(f"{name}: no unified diff with --- a/FILE and +++ b/FILE lines")
    for file in files:
        if not file.startswith(PLACES) or ENTRY_TEXT.match(file):
            raise BadPatch(
                f"{name}: {file} is not the kernel's, or is entry text, which `make mutants` covers"
            )
    return files


def parse(name: str, text: str) -> Patch:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name):
        raise BadPatch(f"{name}: a patch is called <area>-<slug>, in small letters")
    head, blank, diff = text.partition("\n\n")
    if not blank:
        raise BadPatch(f"{name}: no blank line between header and diff")
    fields = fields_of(name, head)
    return Patch(name, fields["What"], fields["Breaks"], fields["Origin"], diff,
                 changed_files(name, diff), tuple(fields.get("Tests", "").split()),
                 fields.get("Survives", ""))


def load(directory: Path) -> list[Patch]:
    """All patches of @directory; BadPatch when one is none."""
    return [parse(path.stem, path.read_text()) for path in sorted(directory.glob("*.patch"))]
