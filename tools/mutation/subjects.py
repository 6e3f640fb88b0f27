# SPDX-License-Identifier: MIT
"""What is mutated: each design's own entry text, and once what a kind of designs shares.

That is booted in the kind's first design. Of the 256 stubs one of each kind: the build proves that
the others differ by their vector alone.
"""
from typing import NamedTuple

from lib.designs import Design, kinds
from vmeasure.entrytext import EntryText


class Subject(NamedTuple):
    name: str           # the design's, or the shared text's identifier
    design: Design      # that is booted
    text: EntryText

    @property
    def instructions(self):
        return self.text.mutated()


def subjects(kernel, designs, stub_size):
    """Of all @designs in the image @kernel (Elf)."""
    found = [Subject(d.name, d, EntryText(kernel, d.ident, stub_size)) for d in designs]
    return found + [Subject(ident, same[0], EntryText(kernel, ident, stub_size))
                    for ident, same in kinds(designs).items()]
