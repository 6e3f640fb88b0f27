#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""same_text.py - the kernel with the probe and the one without it are the same kernel.

    same_text.py WITH.elf WITHOUT.elf

Text and rodata of the two must be equal, bit for bit and at the same addresses; the probe alone may
lie after them. Prints how large both are. Status 1 where they differ.
"""
import sys

from lib.elf import Elf

SAME = (".boot", ".text", ".entry.text", ".entry.rodata", ".rodata")
PROBE = (".probe.text", ".probe.rodata")


def difference(one: Elf, other: Elf) -> str:
    """What differs first, or nothing."""
    for name in SAME:
        a, b = one.section(name), other.section(name)
        if a is None or b is None:
            if a is not b:
                return f"{name} is in one of them alone"
            continue
        if a.address != b.address:
            return f"{name} is at 0x{a.address:x} with the probe, and at 0x{b.address:x} without"
        left, right = one.content(a), other.content(b)
        if left != right:
            at = next((i for i, (x, y) in enumerate(zip(left, right)) if x != y),
                      min(len(left), len(right)))
            return f"{name} differs from offset 0x{at:x}, address 0x{a.address + at:x}, on"
    return ""


def sizes(elf: Elf, names) -> int:
    return sum(s.size for s in map(elf.section, names) if s is not None)


def main() -> int:
    with_probe, without = Elf(sys.argv[1]), Elf(sys.argv[2])
    if wrong := difference(with_probe, without):
        print(f"same_text: {wrong}", file=sys.stderr)
        return 1
    if left := sizes(without, PROBE):
        print(f"same_text: {left} bytes of the probe are in the kernel without it", file=sys.stderr)
        return 1
    kernel, probe = sizes(without, SAME), sizes(with_probe, PROBE)
    print(f"text and rodata: {kernel} bytes, and {probe} of the probe, "
          f"{100 * probe / (kernel + probe):.1f}% of both")
    return 0


if __name__ == "__main__":
    sys.exit(main())
