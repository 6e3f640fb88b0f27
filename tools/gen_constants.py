#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gen_constants.py - the kernel's numbers for the host's tools, as the compiler sees them.

    gen_constants.py OUT.json COMPILER [FLAG...]        COMPILER as it compiles the kernel's C

Writes {name: value}: what arch/x86_64/asm-offsets.c gives to NASM, and each macro of HEADERS that
stands for a number; values are taken as unsigned.  For make it writes OUT.d, what they depend on.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

HEADERS = ("mm/layout.h", "arch/x86_64/trapframe.h", "entry/design.h", "kernel/abi.h", "syscalls.h",
           "tests/probe/abi.h", "tests/kernel/fire.h")
SOURCE = "".join(f'#include "{name}"\n' for name in ("arch/x86_64/asm-offsets.c", *HEADERS))
FUNCTION = "void constants(void);\nvoid constants(void)\n{\n%s}\n"
MARKER = re.compile(r'# \d+ "(.*?)"')           # the preprocessor's: what follows is from that file
MACRO = re.compile(r"#define (\w+) \S")         # one without parameters
NUMBER = re.compile(r"->(\w+) \$?(-?\d+)\b")    # asm-offsets.c's EMIT()


def run(command: list[str], text: str) -> str:
    done = subprocess.run([*command, "-x", "c", "-"],
                          input=text,
                          capture_output=True,
                          text=True,
                          check=False)
    if done.returncode:
        sys.exit(f"gen_constants: {' '.join(command)}:\n{done.stderr}")
    return done.stdout


def is_wanted(file: str) -> bool:
    return ("/" + os.path.normpath(file)).endswith(tuple("/" + name for name in HEADERS))


def macros(compiler: list[str]) -> list[str]:
    """Names of the HEADERS' macros."""
    found, wanted = {}, False
    for line in run([*compiler, "-E", "-dD"], SOURCE).splitlines():
        if marker := MARKER.match(line):
            wanted = is_wanted(marker[1])
        elif wanted and (macro := MACRO.match(line)):
            found[macro[1]] = True
    return list(found)


def values(compiler: list[str]) -> dict[str, int]:
    """A macro that is no number, a string's, comes out as a label, and is none of these."""
    lines = "".join(f"\tEMIT({name}, {name});\n" for name in macros(compiler))
    assembly = run([*compiler, "-S", "-o", "-"], SOURCE + FUNCTION % lines)
    return {name: int(value) & (1 << 64) - 1 for name, value in NUMBER.findall(assembly)}


def main() -> None:
    out, compiler = Path(sys.argv[1]), sys.argv[2:]
    found = values([*compiler, "-MMD", "-MP", "-MT", str(out), "-MF", str(out.with_suffix(".d"))])
    out.write_text(json.dumps(found, indent=0) + "\n")


if __name__ == "__main__":
    main()
