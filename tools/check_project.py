#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check_project.py - the project's own rules, over every source.

SPDX line first; no file over 400 lines, no line over 100 columns (tabs of 8), or 120 where commands
stand in lines, in make and the shell; no unfinished marks; function braces on a line of their own;
and nothing outside entry/ names an entry design (docs and README may), so that a design costs one
.asm, one .c and one registry line.
Prose in Markdown keeps to 100 columns: not its tables and code, nor a line that nothing breaks,
nor what a tool wrote.
"""
import re
import sys
from pathlib import Path
from typing import Iterator

from lib.designs import designs
from lib.paths import ROOT
from lib.sources import sources

MAX_LINES, MAX_COLUMNS, MAX_COMMANDS, MAX_PROSE = 400, 100, 120, 100
SOURCE = {".c", ".h", ".asm", ".inc", ".py", ".sh", ".ld", ".def"}
TABLES = {".def"}               # wide by nature
COMMANDS = {".sh", ""}
SOURCE_NAMES = {"Makefile", "run", ".gdbinit", ".clang-format", ".clang-tidy"}
# Put together here, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) +
                        r")\b")

# One word to whoever breaks lines: a link, a code mark (which check_docs.py wants on one line).
UNBROKEN = re.compile(r"!?\[[^]]*\]\([^)]*\)|`[^`]*`")
# stands near the top of what a tool wrote
MADE = re.compile(r"Made by `")
MADE_BEGIN, MADE_END = re.compile(r"<!-- \w+:begin -->"), re.compile(r"<!-- \w+:end -->")


def checked() -> list[Path]:
    return [p for p in map(Path, sources()) if p.suffix in SOURCE or p.name in SOURCE_NAMES]


def check_file(path: Path, lines: list[str]) -> Iterator[str]:
    if not any("SPDX-License-Identifier: MIT" in line for line in lines[:2]):
        yield f"{path}:1: no SPDX-License-Identifier in the first lines"
    if len(lines) > MAX_LINES:
        yield f"{path}: {len(lines)} lines, at most {MAX_LINES}: is it still one thing?"
    for number, line in enumerate(lines, 1):
        width = len(line.expandtabs(8))
        most = MAX_COMMANDS if path.suffix in COMMANDS else MAX_COLUMNS
        if path.suffix not in TABLES and width > most:
            yield f"{path}:{number}: {width} columns, at most {most}"
        if UNFINISHED.search(line):
            yield f"{path}:{number}: unfinished: {line.strip()}"
        if path.suffix == ".c" and re.match(r"[a-z].*\)\s*\{$", line):
            yield f"{path}:{number}: a function's brace stands on a line of its own"


def prose(lines: list[str]) -> Iterator[tuple[int, str]]:
    """(line number, text) of a Markdown page's prose: all but tables, code blocks and what a tool
    wrote."""
    if any(MADE.match(line) for line in lines[:5]):
        return
    fenced = made = code = False
    before = ""
    for number, line in enumerate(lines, 1):
        made = bool(MADE_BEGIN.match(line)) or (made and not MADE_END.match(before))
        fence = line.lstrip().startswith("```")
        # it begins after a blank line
        code = line.startswith("    ") and (code or not before.strip())
        if not (fenced or fence or made or code or line.lstrip().startswith("|")):
            yield number, line
        fenced ^= fence
        before = line


def breakable(line: str) -> bool:
    """Is there a blank at which a line that is too long could end sooner?"""
    words = re.sub(r"^\s*([-*]|\d+\.)\s", "", UNBROKEN.sub(lambda m: "x" * len(m[0]), line)).split()
    return len(words) > 1


def check_prose(path: Path, lines: list[str]) -> Iterator[str]:
    for number, line in prose(lines):
        if len(line) > MAX_PROSE and breakable(line):
            yield f"{path}:{number}: {len(line)} columns of prose, at most {MAX_PROSE}"


def design_patterns(texts: dict[Path, list[str]]) -> list[re.Pattern]:
    """What counts as naming a design: its name in quotes or after a key, its symbols; and its
    bare name, unless that is a word of the kernel's own (one with constants NAME_...)."""
    everything = "\n".join("\n".join(lines) for lines in texts.values())
    patterns = []
    for d in designs():
        name, ident = re.escape(d.name), re.escape(d.ident)
        forms = [
            rf"""["']{name}["']""", rf"\b(entry|ENTRY|A|B)={name}\b",
            rf"\b{ident}_(syscall|idt|design)"
        ]
        if not re.search(rf"\b{ident.upper()}_[A-Z]", everything):
            forms.append(rf"(?<![\w-])({name}|{ident})(?![\w-])")
        patterns.append(re.compile("|".join(forms)))
    return patterns


def check_designs(texts: dict[Path, list[str]]) -> Iterator[str]:
    outside = {p: t for p, t in texts.items() if p.parts[0] not in ("entry", "docs")}
    patterns = design_patterns(outside)
    for path, lines in outside.items():
        for number, line in enumerate(lines, 1):
            for pattern in patterns:
                if found := pattern.search(line):
                    yield (f"{path}:{number}: names a design ({found[0]}): go through "
                           f"entry/registry.h")


def main() -> int:
    texts = {p: (ROOT / p).read_text(errors="replace").splitlines() for p in checked()}
    problems = [p for path, lines in texts.items() for p in check_file(path, lines)]
    problems += check_designs(texts)
    pages = [p for p in map(Path, sources()) if p.suffix == ".md"]
    problems += [
        p for path in pages
        for p in check_prose(path, (ROOT / path).read_text("utf-8").splitlines())
    ]
    print("\n".join(problems) if problems else f"{len(texts) + len(pages)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
