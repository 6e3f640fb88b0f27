# SPDX-License-Identifier: MIT
"""values.py - what the interpretation knows about a register or a stack word, and arithmetic on
that.

Everything that is not known exactly is UNKNOWN or an interval of numbers; an operation that is not
listed here gives UNKNOWN.  That is always safe: an address that is unknown fails.
"""
from dataclasses import dataclass

PAGE = 4096
ALL = (1 << 64) - 1


@dataclass(frozen=True)
class Unknown:
    def __str__(self):
        return "an unknown value"


@dataclass(frozen=True)
class Num:
    """A number or an absolute address, lo <= it <= hi."""
    lo: int
    hi: int

    def __str__(self):
        return f"{self.lo:#x}" if self.lo == self.hi else f"{self.lo:#x}..{self.hi:#x}"

    @property
    def exact(self):
        return self.lo == self.hi


@dataclass(frozen=True)
class Stack:
    """An address on a stack: @off bytes from the top of @area, up to @span bytes more."""
    area: str
    off: int
    span: int = 0

    def __str__(self):
        return f"{self.area} stack {self.off:+#x}" + (f"..{self.off + self.span:+#x}"
                                                      if self.span else "")


@dataclass(frozen=True)
class Cr3:
    """A word for CR3.  @source: door (this CPU's), found (what an entry came with), kept (the
    register itself, since the thread slept), stale (it slept since this was read), low (32
    bits of one)."""
    half: str
    source: str

    def __str__(self):
        return f"the {self.half} half's CR3 word ({self.source})"


@dataclass(frozen=True)
class Gs:
    """A GS base: "user" or "kernel" as found, or "own", this CPU's percpu pointer. @part: all lo hi
    hi32."""
    base: str
    part: str
    off: int = 0

    def __str__(self):
        return f"the {self.base} GS base ({self.part})"


@dataclass(frozen=True)
class Word:
    """A word of the interrupted program's state, by its name in the frame."""
    name: str
    off: int = 0

    def __str__(self):
        return f"the program's {self.name}"


@dataclass(frozen=True)
class Work:
    """The percpu's `work`, just read."""

    def __str__(self):
        return "the word of work to do"


@dataclass(frozen=True)
class Byte:
    """A register of which the low byte is known and the rest is not: a C function's bool."""
    value: int

    def __str__(self):
        return f"a bool, {self.value}, its upper bits unknown"


@dataclass(frozen=True)
class Table:
    """One of the words at these addresses in entry rodata."""
    slots: tuple

    def __str__(self):
        return f"a table of {len(self.slots)} words"


UNKNOWN = Unknown()


def num(value):
    value &= ALL
    return Num(value, value)


def signed(value, size=8):
    bits = 8 * size
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def width(size):
    """Any number of @size bytes."""
    return Num(0, (1 << 8 * size) - 1) if size < 8 else UNKNOWN


def cut(value, size):
    """The low @size bytes of @value, zero-extended."""
    if size >= 8:
        return value
    if size == 4 and isinstance(value, Work):
        return value
    if size == 1 and isinstance(value, Byte):
        return num(value.value)
    if isinstance(value, Num):
        mask = (1 << 8 * size) - 1
        if value.hi <= mask:
            return value
        return num(value.lo & mask) if value.exact else width(size)
    if size == 4 and isinstance(value, Gs) and not value.off and value.part in ("lo", "hi", "all"):
        return Gs(value.base, "lo" if value.part == "all" else value.part)
    if size == 4 and isinstance(value, Cr3):
        return Cr3(value.half, "low")       # the bit that tells the halves apart is still there
    return width(size)


def add(a, b):
    if isinstance(b, (Stack, Gs, Word)) and isinstance(a, Num):
        a, b = b, a
    if isinstance(a, Num) and isinstance(b, Num):
        lo, hi = a.lo + b.lo, a.hi + b.hi
        return Num(lo, hi) if hi <= ALL else Num(lo & ALL, hi & ALL) if lo > ALL else UNKNOWN
    if isinstance(a, Stack) and isinstance(b, Num):
        if b.exact:
            return Stack(a.area, a.off + signed(b.lo), a.span)
        return Stack(a.area, a.off + b.lo, a.span + b.hi - b.lo) if b.hi < PAGE * PAGE else UNKNOWN
    if isinstance(b, Num) and b.exact:
        if isinstance(a, Gs) and a.part == "all":
            return Gs(a.base, "all", a.off + signed(b.lo))
        if isinstance(a, Word):
            return Word(a.name, a.off + signed(b.lo))
    return join_halves(a, b)


def join_halves(a, b):
    """EDX:EAX put together."""
    if isinstance(a, Gs) and isinstance(b, Gs) and a.base == b.base and {a.part, b.part
                                                                         } == {"hi32", "lo"}:
        return Gs(a.base, "all")
    return UNKNOWN


def sub(a, b):
    if isinstance(b, Num) and b.exact:
        return add(a, num(-b.lo))
    if isinstance(a, Stack) and isinstance(
            b, Stack) and a.area == b.area and not a.span and not b.span:
        return num(a.off - b.off)
    return UNKNOWN


def bit_and(a, b, top_of):
    """@top_of(area): the top's address modulo a page, or None where nobody knows."""
    if isinstance(a, Num) and not isinstance(b, Num):
        a, b = b, a
    if not isinstance(b, Num) or not b.exact:
        return UNKNOWN
    if isinstance(a, Num) and a.exact:
        return num(a.lo & b.lo)
    if isinstance(a, Stack) and not a.span and (ALL + 1 - b.lo) & (
            ALL - b.lo) == 0 and ALL + 1 - b.lo <= PAGE:
        top = top_of(a.area)
        return UNKNOWN if top is None else Stack(a.area, ((a.off + top) & signed(b.lo)) - top)
    return Num(0, min(b.lo, a.hi if isinstance(a, Num) else ALL)) if b.lo < 1 << 63 else UNKNOWN


def shift_left(a, count):
    if isinstance(a, Num) and a.hi << count <= ALL:
        return Num(a.lo << count, a.hi << count)
    if isinstance(a, Gs) and a.part == "hi" and count == 32:
        return Gs(a.base, "hi32")
    return num(a.lo << count) if isinstance(a, Num) and a.exact else UNKNOWN


def shift_right(a, count):
    if isinstance(a, Num):
        return Num(a.lo >> count, a.hi >> count)
    if isinstance(a, Gs) and a.part == "all" and not a.off and count == 32:
        return Gs(a.base, "hi")
    return Num(0, ALL >> count) if count else a
