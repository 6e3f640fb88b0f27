#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check_docs.py - does what the documentation names still exist?

    check_docs.py [FILE.md ...]     default: every Markdown file of the tree

Text in `code marks` is a claim that the tree holds such a thing:

    `mm/layout.h`, `entry/*.asm`        a file or folder (<design> stands for every design's name)
    `build/compare/results.json`        made, not kept: a source must name its last part
    `make test`                         a target of the Makefile
    `kernel_exception()`                a function, macro or system call of that name
    `kernel_entry.exception`, `.copy_in` a label of the assembly, the second below any other
    `struct percpu`, `entry=`, `IRETQ`  every word of it occurs in a source, case ignored for
                                        words without an underscore

What belongs to others (Linux's files, commands) goes without code marks. Relative links must lead
to a file. Fenced blocks: only lines that begin with `make` are looked at. Status 1 and one line per
problem when something is gone.
"""
import re
import sys
from functools import cached_property
from pathlib import Path
from typing import Iterator

from lib.designs import designs
from lib.paths import ROOT

SKIP = {".git", "build", "__pycache__"}
SOURCE = {".c", ".h", ".asm", ".inc", ".py", ".sh", ".ld", ".def", ".json"}
SOURCE_NAMES = {"Makefile", "run", ".gdbinit"}
PATH = re.compile(
    r"[\w.-]+/|[\w.*<>-]*(?:/[\w.*<>-]+)+/?|[\w-]+\.(?:md|c|h|py|asm|inc|json|sh|ld|def|svg)")
WORD = re.compile(r"[A-Za-z_]\w+")


class Tree:
    """What there is to name. @texts: {path relative to the tree: text} of the sources."""

    def __init__(self, texts: dict[str, str], paths: set[str], design_names: list[str]):
        self.texts, self.paths, self.design_names = texts, paths, design_names

    @cached_property
    def words(self) -> set[str]:
        found = {w for text in self.texts.values() for w in WORD.findall(text)}
        return found | {w.lower() for w in found if "_" not in w}

    @cached_property
    def everything(self) -> str:
        return "\n".join(self.texts.values())

    @cached_property
    def labels(self) -> set[str]:
        """Assembly labels: `global` and `global.local`, and `.local` alone."""
        found = set()
        for path, text in self.texts.items():
            if not path.endswith((".asm", ".inc")):
                continue
            owner = ""
            for name in re.findall(r"^(\.?[A-Za-z_]\w*):", text, re.M):
                owner = owner if name.startswith(".") else name
                found |= {name, owner + name} if name.startswith(".") else {name}
        return found

    @cached_property
    def targets(self) -> set[str]:
        return set(re.findall(r"^([a-z-]+):", self.texts.get("Makefile", ""), re.M))

    def has_path(self, name: str) -> bool:
        """Is there such a file or folder, or pattern of files?"""
        name = name.rstrip("/")
        if name.startswith("build/"):
            return name.rsplit("/", 1)[1].split("*")[0] in self.everything
        wanted = [name.replace("<design>", d)
                  for d in self.design_names] if "<design>" in name else [name]
        return all(any(self._matches(p, w) for p in self.paths) for w in wanted)

    @staticmethod
    def _matches(path: str, wanted: str) -> bool:
        pattern = re.escape(wanted).replace(r"\*", "[^/]*")
        if "/" not in wanted:
            pattern = "(?:.*/)?" + pattern       # a bare file name, in whatever folder
        return re.fullmatch(pattern, path) is not None

    def has_function(self, name: str) -> bool:
        return re.search(rf"\b{re.escape(name)}\b", self.everything) is not None

    def has_word(self, word: str) -> bool:
        return word in self.words or ("_" not in word and word.lower() in self.words)


def read_tree(root: Path) -> Tree:
    texts, paths = {}, set()
    for path in root.rglob("*"):
        name = path.relative_to(root)
        if SKIP & set(name.parts):
            continue
        paths.add(str(name))
        if path.is_file() and (path.suffix in SOURCE or path.name in SOURCE_NAMES):
            texts[str(name)] = path.read_text("utf-8", "replace")
    return Tree(texts, paths, [d.name for d in designs()])


def missing(tree: Tree, span: str) -> str:
    """What the code mark @span names and the tree lacks, in words; "" when nothing."""
    span = span.strip()
    if made := re.match(r"make ([a-z-]+)", span):
        return "" if made[1] in tree.targets else f"no such target: {made[1]}"
    if PATH.fullmatch(span):
        return "" if tree.has_path(span) else "no such file"
    if re.fullmatch(r"\.[a-z_]\w*", span):
        return "" if span in tree.labels or re.search(rf"{re.escape(span)}\b",
                                                      tree.everything) else "no such label"
    if (call := re.fullmatch(r"(\w+)\((.*)\)", span)) and not tree.has_function(call[1]):
        return f"no such function: {call[1]}"
    if (label := re.fullmatch(r"(\w+)\.(\w+)",
                              span)) and label[1] in tree.labels and span not in tree.labels:
        return f"{label[1]} has no such label"
    gone = [w for w in WORD.findall(span) if not tree.has_word(w)]
    return f"occurs in no source: {', '.join(gone)}" if gone else ""


def spans(text: str) -> Iterator[tuple[int, str]]:
    """(line number, text) of every code mark, and of every `make` line in a fenced block."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            if re.match(r"\s*make [a-z]", line):
                yield number, line.strip()
        else:
            yield from ((number, span) for span in re.findall(r"`([^`]+)`", line))


def check(tree: Tree, path: str, text: str) -> Iterator[str]:
    """One line per thing that @text, the file @path, names and the tree lacks."""
    for number, span in spans(text):
        if what := missing(tree, span):
            yield f"{path}:{number}: `{span}`: {what}"
    for number, line in enumerate(text.splitlines(), 1):
        if line.count("`") % 2 and not line.lstrip().startswith("```"):
            yield f"{path}:{number}: a code mark goes over the end of the line"
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
            folder = Path(path).parent
            steps: list[str] = []
            for part in (folder / target).parts:
                steps = steps[:-1] if part == ".." else steps + [part]
            if "/".join(steps) not in tree.paths:
                yield f"{path}:{number}: the link to {target} leads nowhere"


def main() -> int:
    tree = read_tree(ROOT)
    files = sys.argv[1:] or sorted(p for p in tree.paths if p.endswith(".md"))
    texts = {f: (ROOT / f).read_text("utf-8") for f in files}
    problems = [p for f in files for p in check(tree, f, texts[f])]
    marks = sum(len(list(spans(t))) for t in texts.values())
    print("\n".join(problems) if problems else f"{marks} names in {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
