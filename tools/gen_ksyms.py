#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gen_ksyms.py - the kernel's own symbol table, for panics.

    gen_ksyms.py KERNEL.elf         NASM on stdout

Local labels of assembly (symbol.label) are kept: they name the step of an entry path.
"""
import re
import sys

from lib.elf import Elf

TEXTS = [("kernel_text_start", "kernel_text_end"), ("probe_text_start", "probe_text_end")]
# The linker script's marks share their addresses with functions; NASM's macro-local labels have no
# meaning.
NOT_A_STEP = re.compile(r"^(kernel_text_|probe_text_|entry_\w+_text_)(start|end)$|^\.\.@")


def text_symbols(elf):
    """(address, name) of every function and label of the kernel's and the probe's text, ascending,
    one an address."""
    missing = [m for marks in TEXTS for m in marks if m not in elf.by_name]
    if missing:
        sys.exit(f"gen_ksyms.py: this is not the kernel: it has no symbol {' or '.join(missing)}")
    texts = [(elf.address(start), elf.address(end)) for start, end in TEXTS]
    symbols = [(s.address, s.name) for s in elf.code_symbols() if not NOT_A_STEP.match(s.name)]
    # Of two names for one address the local label is the more exact.
    chosen = {}
    for address, name in sorted(symbols, key=lambda s: (s[0], "." in s[1], s[1])):
        if any(start <= address < end for start, end in texts):
            chosen[address] = name
    return sorted(chosen.items())


def main():
    symbols = text_symbols(Elf(sys.argv[1]))
    out = ["section .ksyms progbits alloc noexec nowrite align=8",
           "global ksyms_start, ksyms_end, ksyms_names", "ksyms_start:"]
    names, offset = [], 0
    for address, name in symbols:
        out.append(f"\tdq\t0x{address:x}\n\tdd\t{offset}")
        names.append(f"\tdb\t'{name}', 0")
        offset += len(name) + 1
    out += ["ksyms_end:", "ksyms_names:", *names,
            "section .note.GNU-stack noalloc noexec nowrite progbits"]
    print("\n".join(out))


if __name__ == "__main__":
    main()
