# SPDX-License-Identifier: MIT
"""stubs.py - the 256 stubs of a design, byte by byte: the same in every design but for their jumps.

So one of each kind stands for all (tools/mutants.py).  They jump to the design's idt entry; those
of an IST vector to that IST entry of its kind's text, as the records in .ist_entries say.
"""
import struct

from lib.processor import ERROR_CODE_VECTORS

PUSH_BYTE, PUSH_LONG, JUMP, FILL = b"\x6a", b"\x68", b"\xe9", b"\xcc"


def head(vector):
    """What stands before the jump: 0 where the processor pushes no error word, and the vector."""
    error = b"" if vector in ERROR_CODE_VECTORS else PUSH_BYTE + b"\0"
    if vector < 128:
        return error + PUSH_BYTE + bytes([vector])
    return error + PUSH_LONG + struct.pack("<I", vector)


def ist_entries(facts):
    """{IST number: address of the entry} in the text that @facts' kind shares."""
    elf, word, at = facts.image.elf, facts.image.word, facts.image.offsets
    sites = range(elf.address("ist_entries_start"), elf.address("ist_entries_end"),
                  at["IST_SITE_SIZE"])
    return {word(s + at["IST_SITE_KIND"]): word(s + at["IST_SITE_START"]) for s in sites
             if facts.is_handed_over(word(s + at["IST_SITE_START"]))}


def wrong(code, at, vector, target):
    """What is wrong with the stub @code at address @at, or ""."""
    before = head(vector)
    jump = before + JUMP + struct.pack("<i", target - at - len(before) - 5)
    if not code.startswith(before + JUMP):
        return f"its bytes are {code.hex()}, and not {before.hex()} and a jump"
    if not code.startswith(jump):
        offset, = struct.unpack_from("<i", code, len(before) + 1)
        return f"jumps to {at + len(before) + 5 + offset:#x}"
    return "" if not code[len(jump):].strip(FILL) else "has more behind the jump"


def check(facts, report):
    """Report each stub of a design that differs from what all designs have."""
    elf, entries = facts.image.elf, ist_entries(facts)
    for vector in range(256):
        at = facts.stubs + vector * facts.stub_size
        name = f"{facts.ident}_idt_entry"
        target = entries.get(facts.ist[vector]) if facts.ist[vector] else elf.address(name)
        if target is None:
            what = f"there is no IST entry {facts.ist[vector]} in {facts.shared.name}"
        else:
            what = wrong(elf.read(at, facts.stub_size), at, vector, target)
        if what:
            report.fail_at(facts, at, f"the stub of vector {vector}: {what}",
                           "use IDT_STUBS of entry/frame.inc")
