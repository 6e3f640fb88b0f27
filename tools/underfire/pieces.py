# SPDX-License-Identifier: MIT
"""The entry text that runs in a design as one row of bytes: its own, then what its kind shares.

So tests/kernel/fire_text.c numbers it.  Where the pieces lie, build/proof.json says.
"""
import json

from lib import paths


class Pieces:
    """@texts: the two texts as proof.json has them."""

    def __init__(self, design, proof=None):
        found = json.loads((proof or paths.build() / "proof.json").read_text())
        own = found["designs"][design.name]
        self.shared = own["shared"]
        self.idents = (design.ident, self.shared)
        self.texts = (own, found["shared"][self.shared])
        self.ranges = [tuple(t["text"]) for t in self.texts]
        self.own_size = self.ranges[0][1] - self.ranges[0][0]
        self.size = self.own_size + self.ranges[1][1] - self.ranges[1][0]

    def offset(self, address):
        """@address is in one of the two."""
        (start, end), (shared, _) = self.ranges
        return address - start if start <= address < end else self.own_size + address - shared

    def address(self, offset):
        (start, _), (shared, _) = self.ranges
        return start + offset if offset < self.own_size else shared + offset - self.own_size

    def places(self):
        """{offset: (its place without the text's name, the states that the proof allows)}."""
        found = {}
        for ident, text in zip(self.idents, self.texts):
            for address, entry in text["instructions"].items():
                place = entry["at"].removeprefix(ident + "_")
                found[self.offset(int(address, 16))] = place, entry["states"]
        return found
