# SPDX-License-Identifier: MIT
"""state.py - one abstract state: registers, table, GS, IF, stack words; and how an entry finds
them.

States are never merged: each way in (user mode; kernel mode with each table and GS that it may
find) and each outcome of a branch goes on by itself.  So "CR3 as found" has a known half in every
state, and the notes' `any` is the set of what the states at a label say.
"""
from dataclasses import dataclass

from .flags import Flags
from .values import PAGE, UNKNOWN, Cr3, Gs, Num, Stack, Word, num

REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
CALLEE_SAVED = ("rbx", "rbp", "rsp", "r12", "r13", "r14", "r15")
HEAD = ("ss", "rsp", "rflags", "cs", "rip")
KERNEL_STACK = 2 * PAGE
# Stacks whose owner is a CPU: what lies on them is not the thread's.
PER_CPU = ("entry", "ist")


@dataclass(frozen=True)
class Scene:
    """How the kernel was entered. @origin: user, kernel, or return (a thread's first way out)."""
    entry: str
    origin: str
    cr3: str
    gs: str


class State:
    """@cr3: the Cr3 that is loaded; @gs, @kgs: whose base is active and whose is in KERNEL_GS_BASE.
    @done: what this visit has seen to: its handler, that no work is left, DF clear."""
    __slots__ = ("pc", "regs", "flags", "cr3", "gs", "kgs", "iflag", "mem", "scene", "way", "done")

    def __init__(self, pc, scene, way):
        self.pc, self.scene, self.way = pc, scene, way
        self.done = frozenset()
        self.regs = {r: Word(r) for r in REGISTERS}
        self.flags: Flags | None = None
        self.cr3 = Cr3(scene.cr3, "found")
        self.gs, self.kgs = scene.gs, "user" if scene.gs == "kernel" else "kernel"
        self.iflag = "0"
        self.mem: dict = {}     # (area, offset) -> value of that word; a word not here is unknown

    def copy(self, pc):
        new = object.__new__(State)
        for slot in self.__slots__:
            setattr(new, slot, getattr(self, slot))
        new.pc, new.regs, new.mem = pc, dict(self.regs), dict(self.mem)
        return new

    def key(self):
        return (self.pc, tuple(self.regs.values()), self.flags, self.cr3, self.gs, self.kgs,
                self.iflag, self.done, frozenset(self.mem.items()), self.scene)

    def set(self, register, value):
        self.regs[register] = value
        if self.flags and self.flags.register == register:
            self.flags = Flags(self.flags.kind, self.flags.a, self.flags.b, self.flags.size)

    def area(self):
        """What RSP points into, in the notes' words."""
        rsp = self.regs["rsp"]
        if isinstance(rsp, Stack):
            return note_area(rsp.area)
        if isinstance(rsp, Word) and rsp.name == "rsp":
            return "any" if self.scene.origin == "kernel" else "user"
        return "none"

    def shown(self):
        """(cr3, gs, rsp, if) in the notes' words."""
        return self.cr3.half, self.gs, self.area(), self.iflag

    def load(self, area, off):
        return self.mem.get((area, off), UNKNOWN)

    def store(self, where, size, value):
        """Put @value at Stack @where; what it overlaps is forgotten."""
        for off in [
                o for a, o in self.mem
                if a == where.area and where.off - 8 < o < where.off + where.span + size
        ]:
            del self.mem[where.area, off]
        if size == 8 and not where.span and value != UNKNOWN:
            self.mem[where.area, where.off] = value

    def forget(self, gone):
        """Drop every stack word for which @gone(area, offset) holds."""
        self.mem = {k: v for k, v in self.mem.items() if not gone(*k)}


def note_area(area):
    if area == "found":
        return "any"
    return "kernel" if area.startswith(("kernel", "body")) else area


def top_of(area):
    """Address of the top of @area modulo a page; None where nobody knows."""
    return {"entry": 0, "tramp": 0, "kernel": 0, "ist": PAGE - 16}.get(area)


def limits(area):
    """Offsets [low, high) that may be touched on a stack of this kind."""
    if area == "ist":
        return -(PAGE - 16), 16         # struct ist_stack_top above the frame
    if area in ("entry", "tramp"):
        return -PAGE, 0
    return -KERNEL_STACK, 0


def push_head(state, area, cs, error):
    """What the processor pushes to @area for an event, from its top."""
    for i, name in enumerate(HEAD):
        state.mem[area, -8 * (i + 1)] = num(cs) if name == "cs" else Word(name)
    state.regs["rsp"] = Stack(area, -40)
    if error:
        state.mem[area, -48] = Word("error")
        state.regs["rsp"] = Stack(area, -48)


def frame_words(offsets):
    """{offset in struct trapframe: name}."""
    found = {
        offsets["TF_" + n.upper()]: n
        for n in ("vector", "error", "rip", "cs", "rflags", "rsp", "ss")
    }
    order = ("r11", "rcx", "r15", "r14", "r13", "r12", "rbp", "rbx", "r10", "r9", "r8", "rax",
             "rdx", "rsi", "rdi")
    for i, name in enumerate(order):
        if offsets.get("TF_" + name.upper(), 8 * i) != 8 * i:
            raise ValueError(f"struct trapframe: {name} is not where the proof's order has it")
        found[8 * i] = name
    return found


def wrong_word(state, at, words, offsets):
    """Name of a word of the frame at Stack @at that is not the interrupted program's, or None."""
    user = state.scene.origin != "kernel"
    allowed = {"cs": num(offsets["SEL_USER_CODE" if user else "SEL_KERNEL_CODE"])}
    # RCX and R11 hold rip and rflags; the number is kept as the error
    if state.scene.entry == "syscall":
        allowed.update(ss=num(offsets["SEL_USER_DATA"]),
                       rcx=Word("rip"),
                       r11=Word("rflags"),
                       error=Word("rax"))
    for off, name in words.items():
        word = state.load(at.area, at.off + off)
        if word not in (Word(name),
                        allowed.get(name)) and not (name == "vector" and isinstance(word, Num)):
            return name
    return None


def fill_frame(state, at, words):
    """The frame at Stack @at is what a C function made of it: every word the program's."""
    for off, name in words.items():
        state.mem[at.area, at.off + off] = Word(name)


def found_gs(state):
    """The GS base that RDMSR reads."""
    return Gs("user" if state.gs == "user" else "kernel", "all")


def vector_class(vector, first_interrupt):
    """Vectors that take one path are one state."""
    return Num(0, first_interrupt - 1) if vector < first_interrupt else Num(first_interrupt, 255)
