# SPDX-License-Identifier: MIT
"""flags.py - which ways a conditional branch can go, from the comparison before it.

A branch on what an entry found (`test r12d, PAGE_SIZE`, the sign of a GS base, the CS of a frame)
has one way only in each state, for the state says what was found.
"""
from dataclasses import dataclass

from .values import Cr3, Gs, Num, Stack, Unknown, Word, signed

CONDITIONS = {
    "e": "e", "z": "e", "ne": "ne", "nz": "ne", "b": "b", "c": "b", "nae": "b", "ae": "ae", "nb":
    "ae", "nc": "ae", "be": "be", "na": "be", "a": "a", "nbe": "a", "s": "s", "ns": "ns", "l": "l",
    "nge": "l", "ge": "ge", "nl": "ge", "le": "le", "ng": "le", "g": "g", "nle": "g", "o": "?",
    "no": "?", "p": "?", "np": "?"
}
OPPOSITE = {"e": "ne", "b": "ae", "be": "a", "s": "ns", "l": "ge", "le": "g"}
OPPOSITE.update({b: a for a, b in list(OPPOSITE.items())})
BOTH = (True, False)
ANY_TOP = 1 << 40       # stands for a stack's top where two addresses on it are compared


@dataclass(frozen=True)
class Flags:
    """@kind: cmp (a - b), test (a & b), or result (a is what an operation gave). @register:
    where a lies, if in a whole register."""
    kind: str
    a: object
    b: object
    size: int
    register: str | None = None


def possible(condition, flags):
    """The truth values that @condition can have."""
    condition = CONDITIONS[condition]
    if flags is None or condition == "?":
        return BOTH
    if condition in ("ne", "ae", "a", "ns", "ge", "g"):
        return tuple(not v for v in possible(OPPOSITE[condition], flags))
    if flags.kind == "result" and condition not in ("e", "s"):
        return BOTH             # carry and overflow are not a comparison's with 0
    return (compared if flags.kind == "cmp" else tested)(condition, flags.a, flags.b, flags.size)


def compared(condition, a, b, size):
    if isinstance(a, Stack) and isinstance(
            b, Stack) and a.area == b.area and not a.span and not b.span:
        a, b = (Num(v.off + ANY_TOP, v.off + ANY_TOP) for v in (a, b))
    if not isinstance(a, Num) or not isinstance(b, Num):
        return BOTH
    if condition == "s" and b != Num(0, 0):
        return BOTH
    if condition in ("l", "le", "s"):
        half = 1 << (8 * size - 1)
        if not (a.exact and b.exact) and (a.hi >= half or b.hi >= half):
            return BOTH
        if a.exact and b.exact:
            a, b = (Num(signed(v.lo, size), signed(v.lo, size)) for v in (a, b))
        condition = {"l": "b", "le": "be", "s": "b"}[condition]
    return ordered(condition, a, b)


def ordered(condition, a, b):
    if condition == "e":
        yes, no = a.lo <= b.hi and b.lo <= a.hi, not (a.exact and b.exact and a.lo == b.lo)
    elif condition == "b":
        yes, no = a.lo < b.hi, a.hi >= b.lo
    else:
        yes, no = a.lo <= b.hi, a.hi > b.lo
    return tuple(v for v, can in ((True, yes), (False, no)) if can)


def tested(condition, a, b, size):
    if a == b and isinstance(a, Gs) and a.part == "hi":       # kernel addresses are negative
        return (a.base != "user",) if condition == "s" else BOTH
    if a == b and isinstance(a, Num):
        return compared(condition, a, Num(0, 0), size)
    if isinstance(a, Cr3) and isinstance(b, Num) and condition == "e" and b == Num(4096, 4096):
        return (a.half == "kernel",)
    if isinstance(a, Num) and isinstance(b, Num) and a.exact and b.exact:
        return compared(condition, Num(a.lo & b.lo, a.lo & b.lo), Num(0, 0), size)
    return BOTH


def narrowed(condition, truth, flags):
    """(register, interval) that the branch teaches, or None."""
    if flags is None or flags.kind != "cmp" or not flags.register or not isinstance(flags.b, Num) \
            or not isinstance(flags.a, (Num, Unknown, Word)):
        return None
    condition = CONDITIONS[condition]
    condition = condition if truth else OPPOSITE.get(condition, "?")
    top = (1 << 8 * flags.size) - 1
    a = flags.a if isinstance(flags.a, Num) else Num(0, top)
    lo, hi = {
        "b": (0, flags.b.hi - 1), "be": (0, flags.b.hi), "ae": (flags.b.lo, top), "a":
        (flags.b.lo + 1, top), "e": (flags.b.lo, flags.b.hi)
    }.get(condition, (0, top))
    lo, hi = max(lo, a.lo), min(hi, a.hi)
    return (flags.register, Num(lo, hi)) if lo <= hi else None
