# SPDX-License-Identifier: MIT
"""fire.py - a sample of `make torture`: on each path an NMI and a breakpoint at every fifth
instruction.

Which fifth, the seed says.  In what a kind of designs shares breakpoints are set by its first
design's boots.  Where an event came, it must have found the table, GS and stack that the proof
(build/proof.json) allows there.
"""
import re

from check import DESIGNS, Check, Failed
from lib import settings
from lib.designs import Design, kinds
from underfire import coverage, machine_checks
from underfire.boots import (FireError, Sweep, Undisturbed, boot, parse, state_bits, sweep,
                             sweep_four)
from underfire.pieces import Pieces

STRIDE = 5
SEED = settings.seed()
MACHINE_CHECKS = 30
NMI_ENDS = re.compile(r"^nmi\.(land|debug|tail|iret)\b")
ENOUGH = 1 / (STRIDE + 1)       # of entry text, for either kind
FIRST = [chosen[0] for chosen in kinds(DESIGNS).values()]


def sample_check(design: Design) -> Check:
    own = design not in FIRST

    def run() -> str:
        try:
            found = sweep(design, STRIDE, SEED, own)
            if design is DESIGNS[-1]:
                sweep_four(design, found, STRIDE, SEED, own)
        except FireError as error:
            raise Failed(error.args[0], error.args[1]) from None
        text = coverage.text_of(design)
        wrong = [
            f"{place}: found {part}={word}, the proof allows {' '.join(allowed)}"
            for place, part, word, allowed in coverage.contradictions(text, found, state_bits())
        ]
        wrong += coverage.unknown_places(text, found)
        if wrong:
            raise Failed(f"{len(wrong)} events found what the proof rules out", wrong)
        pieces = Pieces(design)
        swept = [range(pieces.own_size)] + [range(pieces.own_size, pieces.size)] * (not own)
        for kind, there in ((kind, there) for kind in ("nmi", "db") for there in swept):
            wanted = {o for o in text.place if o in there}
            came = wanted & found.union(kind)
            covered, total = coverage.row(wanted, came, text.excused(kind, coverage.rules()))
            if covered < total * ENOUGH:
                raise Failed(
                    f"{kind}: {covered} of {total} instructions of entry text, seed {SEED}")
        return f"{found.shots} events, seed {SEED}"
    return Check(f"{design.name}.fire", run)


def portable_check(design: Design) -> Check:
    """NMIs that a breakpoint lets through need no instruction counter: so they come on any
    machine."""
    def run() -> str:
        found = Sweep()
        try:
            parse(
                boot(design, ["db", "held", "syscall_sysret"],
                     seed=SEED,
                     what="fire-held",
                     icount=False).text, found)
        except FireError as error:
            raise Failed(error.args[0], error.args[1]) from None
        kinds = found.seen["syscall_sysret"]
        if not kinds["nmi"] or set(kinds["nmi"]) != set(kinds["db"]):
            raise Failed(
                f"NMIs at {len(kinds['nmi'])} instructions, breakpoints at {len(kinds['db'])}")
        return f"{len(kinds['nmi'])} instructions"
    return Check(f"{design.name}.fire-held", run)


def machine_check_check(design: Design) -> Check:
    """At seeded instructions, and always at the NMI entry's first and last: there #MC must give DR7
    back."""
    def run() -> str:
        text = coverage.text_of(design)
        ends = [o for o, place in text.place.items() if NMI_ENDS.search(place)]
        try:
            came = machine_checks.send(design, text, Undisturbed(design), SEED, MACHINE_CHECKS,
                                       ends)
        except FireError as error:
            raise Failed(error.args[0], error.args[1] if len(error.args) > 1 else ()) from None
        return f"at {len(came)} instructions, seed {SEED}"
    return Check(f"{design.name}.fire-mc", run)


def checks() -> list[Check]:
    return ([sample_check(d) for d in DESIGNS] + [machine_check_check(d) for d in DESIGNS]
            + [portable_check(DESIGNS[-1])])
