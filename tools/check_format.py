#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check_format.py FILE... - C formatting, as far as a machine should have a say.

clang-format (.clang-format) decides about indentation, spacing and braces.  The author decides
about columns (runs of blanks inside a line are not compared, so aligned comments and macros
stay), about putting short things on one line, and about the inside of inline assembly.
"""
import difflib
import re
import subprocess
import sys
from pathlib import Path

STATEMENT = re.compile(r"\s*(if|else|for|while|do|switch)\b")


def without_asm(text: str) -> str:
    """@text with every inline assembly statement as a short call: clang-format 14 would break each
    at its colons."""
    out, at = "", 0
    for found in re.finditer(r"__asm__( volatile)?\s*\(", text):
        if found.start() >= at:
            out += text[at:found.start()] + "asm_call(0)"
            at = closing(text, found.end())
    return out + text[at:]


def closing(text: str, at: int) -> int:
    """The place after the parenthesis that closes the one before @at; strings are stepped over."""
    depth = 1
    for token in re.compile(r'"(?:\\.|[^"\\])*"|[()]', re.S).finditer(text, at):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    return len(text)


def shape(line: str) -> str:
    """@line with the blanks inside it squeezed; its indentation counts.  Of a macro only the
    words count: clang-format takes `(x) & 1` there for a cast."""
    if line.startswith("#"):
        return re.sub(r"\s+", "", line)
    indent = re.match(r"[\t ]*", line)[0]
    squeezed = re.sub(r"\s+", " ", line[len(indent):]).strip()
    # Not known without types: is it a product, a pointer, a cast?
    squeezed = re.sub(r" ?\* ?", "*", squeezed).replace(') "', ')"')
    return indent + squeezed.replace("{ ", "{").replace(" }", "}")


def one_line(lines: list[str]) -> str:
    return re.sub(r"[\s\\]+", "", "".join(lines))


def authors_choice(old: list[str], new: list[str]) -> bool:
    """Words that share a line where clang-format would spread them out, no control statement among
    them."""
    whole = all(line.count("{") == line.count("}") and not STATEMENT.match(line) for line in old)
    return bool(old) and len(old) < len(new) and whole and one_line(old) == one_line(new)


def complaints(path: Path) -> list[str]:
    text = without_asm(path.read_text())
    done = subprocess.run(["clang-format", "--style=file", f"--assume-filename={path.resolve()}"],
                          input=text, capture_output=True, text=True, check=True)
    have, want = text.splitlines(), done.stdout.splitlines()
    old, new = [shape(line) for line in have], [shape(line) for line in want]
    found = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal" and not authors_choice(old[a:b], new[c:d]):
            found.append(f"{path}: clang-format wants")
            found += [f"  - {line}" for line in have[a:b]] + [f"  + {line}" for line in want[c:d]]
    return found


if __name__ == "__main__":
    bad = [line for name in sys.argv[1:] for line in complaints(Path(name))]
    if bad:
        print("\n".join(bad))
        sys.exit(1)
