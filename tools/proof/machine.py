# SPDX-License-Identifier: MIT
"""machine.py - what each instruction does to an abstract state.

Only instructions that have a method or a table entry here may stand in entry text; any other fails.
An instruction that fails is reported, and interpreted further as if its result were unknown, so
that one mistake gives one report.
"""
from capstone import x86_const as x86

from .control import Control
from .flags import Flags
from .memory import Memory
from .state import found_gs, top_of
from .values import (UNKNOWN, Cr3, Gs, Num, Stack, Word, add, bit_and, cut, join_halves, num,
                     shift_left, shift_right, sub)

LEGACY = {"a": "rax", "b": "rbx", "c": "rcx", "d": "rdx"}
SIZES = {"d": 4, "w": 2, "b": 1}
NOTHING = ("nop", "lfence", "cld", "endbr64", "pause")
FLAGS_OF_RESULT = ("add", "sub", "and", "or", "xor", "inc", "dec", "shl", "shr")
SPOILS = {"cdqe": "rax", "cwde": "rax", "cdq": "rdx", "cqo": "rdx"}


class Machine(Memory, Control):
    """@report: a Report. @facts: the design's."""

    def __init__(self, facts, report):
        self.facts, self.report = facts, report
        self.trusted, self.used_trust = facts.trusted(), set()
        self.deepest = {}       # area -> lowest offset touched
        self.names = {}

    def fail(self, state, insn, what, hint):
        self.report.fail(self.facts, insn, what, hint, state)

    def on_kernel(self, state):
        return not self.facts.split or state.cr3.half == "kernel"

    def register(self, name):
        """(64-bit register, size) of a register's name."""
        if name not in self.names:
            self.names[name] = full_register(name)
        return self.names[name]

    # --- operands -------------------------------------------------------------

    def read(self, state, insn, operand):
        if operand.type == x86.X86_OP_REG:
            return self.reg_value(state, insn.reg_name(operand.reg))
        if operand.type == x86.X86_OP_IMM:
            return cut(num(operand.imm), operand.size)
        return self.load(state, insn, operand, operand.size)

    def write(self, state, insn, operand, value):
        if operand.type != x86.X86_OP_REG:
            return self.store(state, insn, operand, operand.size, value)
        full, size = self.register(insn.reg_name(operand.reg))
        state.set(full, cut(value, size) if size >= 4 else UNKNOWN)
        return None

    # --- the step -------------------------------------------------------------

    def step(self, state, insn):
        """The states behind @insn."""
        name = insn.mnemonic
        after = state.copy(insn.address + insn.size)
        if name == "cld":
            after.done |= {"df"}
        if name in NOTHING:
            return [after]
        if name in SPOILS:
            after.set(SPOILS[name], UNKNOWN)
            return [after]
        if name.startswith("j"):
            return self.jump(after, insn, name[1:])
        method = getattr(self, "do_" + name, None)
        if method:
            found = method(after, insn)
            return [after] if found is None else found
        if name in ALU and (name != "imul" or len(insn.operands) > 1):
            return self.alu(after, insn, name)
        if name.startswith(("set", "cmov")):
            if name.startswith("cmov"):
                self.read(after, insn, insn.operands[1])
            self.write(after, insn, insn.operands[0], UNKNOWN)
            return [after]
        self.fail(state, insn, "is no instruction that entry text may use",
                  "see tools/proof/machine.py")
        return []

    def alu(self, state, insn, name):
        """An operation of two operands that sets the flags."""
        target, *rest = insn.operands
        source = rest[0] if rest else None
        b = self.read(state, insn, source) if source else None
        a = self.read(state, insn, target)
        same = source and source.type == target.type == x86.X86_OP_REG and source.reg == target.reg
        result = num(0) if same and name in ("xor", "sub") else cut(ALU[name](a, b), target.size)
        self.write(state, insn, target, result)
        if name != "not":
            # a shift by 0 leaves the flags
            moved = name not in ("shl", "shr") or b is None or count_of(b)
            telling = name in FLAGS_OF_RESULT and moved and isinstance(result, (Num, Gs))
            state.flags = Flags("result", result, result, target.size) if telling else None
        return [state]

    def do_mov(self, state, insn):
        target, source = insn.operands
        names = [insn.reg_name(o.reg) if o.type == x86.X86_OP_REG else "" for o in (target, source)]
        if names[0] == "cr3":
            return self.load_cr3(state, insn, self.reg_value(state, names[1]))
        if names[1] == "cr3":
            return state.set(names[0], state.cr3)
        if names[0] == "dr7":
            return None
        if names[1] == "dr7":
            return state.set(names[0], UNKNOWN)
        if any(n[:2] in ("cr", "dr") or n in ("cs", "ds", "es", "fs", "gs", "ss") for n in names):
            self.fail(state, insn, "moves a system register", "entry text moves CR3 and DR7 only")
            return []
        return self.write(state, insn, target, self.read(state, insn, source))

    def load_cr3(self, state, insn, word):
        if not isinstance(word, Cr3) or word.source in ("stale", "low"):
            self.fail(state, insn, f"loads CR3 with {word}",
                      "load a word of this CPU's door page, or what was found, whole")
            word = Cr3(state.cr3.half, "kept")
        state.cr3 = word

    do_movabs = do_mov

    def do_movzx(self, state, insn):
        self.write(state, insn, insn.operands[0], self.read(state, insn, insn.operands[1]))

    def do_movsx(self, state, insn):
        value, size = self.read(state, insn, insn.operands[1]), insn.operands[1].size
        positive = isinstance(value, Num) and value.hi < 1 << (8 * size - 1)
        self.write(state, insn, insn.operands[0], value if positive else UNKNOWN)

    do_movsxd = do_movsx

    def do_lea(self, state, insn):
        target, source = insn.operands
        parts = [
            self.reg_value(state, insn.reg_name(r)) for r in (source.mem.base, source.mem.index)
            if r
        ]
        halves = join_halves(
            *
            parts) if len(parts) == 2 and source.mem.scale == 1 and not source.mem.disp else UNKNOWN
        value = self.address(state, insn, source)
        if not source.mem.segment:
            value = halves if halves != UNKNOWN else lea_value(value)
        self.write(state, insn, target, value if not source.mem.segment else UNKNOWN)

    def do_xchg(self, state, insn):
        # memory first: its address may use b
        a, b = sorted(insn.operands, key=lambda o: o.type == x86.X86_OP_REG)
        first, second = self.read(state, insn, a), self.read(state, insn, b)
        self.write(state, insn, a, second)
        self.write(state, insn, b, first)

    def do_cmp(self, state, insn):
        a, b = (self.read(state, insn, o) for o in insn.operands)
        state.flags = Flags("cmp", a, b, insn.operands[0].size,
                            self.whole(state, insn, insn.operands[0], a))

    def whole(self, state, insn, operand, value):
        """The register that @operand is, when comparing the operand compares the whole register."""
        if operand.type != x86.X86_OP_REG:
            return None
        full, _ = self.register(insn.reg_name(operand.reg))
        return full if state.regs[full] == value else None

    def do_test(self, state, insn):
        a, b = (self.read(state, insn, o) for o in insn.operands)
        state.flags = Flags("test", a, b, insn.operands[0].size)

    def do_bt(self, state, insn):
        for operand in insn.operands:
            self.read(state, insn, operand)
        state.flags = None

    # --- the stack ------------------------------------------------------------

    def push_value(self, state, insn, value):
        rsp = sub(state.regs["rsp"], num(8))
        if self.visit_stack(state, insn, rsp, True):
            state.store(rsp, 8, value)
        state.set("rsp", rsp)

    def pop_value(self, state, insn):
        rsp = state.regs["rsp"]
        fine = self.visit_stack(state, insn, rsp, False)
        state.set("rsp", add(rsp, num(8)))
        return state.load(rsp.area, rsp.off) if fine and isinstance(rsp, Stack) else UNKNOWN

    def do_push(self, state, insn):
        self.push_value(state, insn, self.read(state, insn, insn.operands[0]))

    def do_pop(self, state, insn):
        value = self.pop_value(state, insn)
        self.write(state, insn, insn.operands[0], value)

    def do_popfq(self, state, insn):
        value = self.pop_value(state, insn)
        state.flags = None
        if state.scene.entry != "ist":
            self.fail(state, insn, "may turn interrupts on",
                      "IF=0 is what keeps interrupts off the user table")
        state.iflag = str(value.lo >> 9 & 1) if isinstance(value, Num) and value.exact else "any"

    def do_cli(self, state, _insn):
        state.iflag = "0"

    def do_sti(self, state, insn):
        self.fail(state, insn, "turns interrupts on",
                  "IF=0 is what keeps interrupts off the user table")

    # --- GS -------------------------------------------------------------------

    def do_swapgs(self, state, _insn):
        state.gs, state.kgs = state.kgs, state.gs

    def do_rdmsr(self, state, insn):
        self.expect_gs_base(state, insn)
        base = found_gs(state).base
        state.set("rax", Gs(base, "lo"))
        state.set("rdx", Gs(base, "hi"))

    def do_wrmsr(self, state, insn):
        self.expect_gs_base(state, insn)
        low, high = cut(state.regs["rax"], 4), cut(state.regs["rdx"], 4)
        whole = isinstance(low, Gs) and isinstance(high, Gs) and low.base == high.base != "stale" \
            and (low.part, high.part) == ("lo", "hi")
        if not whole:
            self.fail(state, insn, f"writes GS_BASE from {high} and {low}",
                      "write what was found, or the percpu pointer")
        state.gs = "kernel" if not whole or low.base != "user" else "user"

    def expect_gs_base(self, state, insn):
        if cut(state.regs["rcx"], 4) != cut(num(self.facts.image.offsets["MSR_GS_BASE"]), 4):
            self.fail(state, insn, "moves another MSR than GS_BASE", "")


def lea_value(value):
    return value if isinstance(value, (Num, Stack, Word, Gs)) else UNKNOWN


def full_register(name):
    if name[0] == "r" and name[1].isdigit():
        return (name[:-1], SIZES[name[-1]]) if name[-1] in SIZES else (name, 8)
    if name[0] in "re" and len(name) == 3:
        return "r" + name[1:], 8 if name[0] == "r" else 4
    if name[0] in LEGACY and name[1] in "lhx":
        return LEGACY[name[0]], 2 if name[1] == "x" else 1
    return "r" + name[:2], 1 if name.endswith("l") else 2       # sil, di, bpl


def count_of(value):
    """A shift's count, or None."""
    return value.lo & 63 if isinstance(value, Num) and value.exact else None


def shifted(by):
    def operation(a, b):
        count = 1 if b is None else count_of(b)
        return UNKNOWN if count is None else by(a, count)
    return operation


def exact(operation):
    """@operation on two known numbers."""
    def result(a, b):
        both = isinstance(a, Num) and isinstance(b, Num) and a.exact and b.exact
        return num(operation(a.lo, b.lo)) if both else UNKNOWN
    return result


def either(a, b):
    halves = join_halves(a, b)
    return halves if halves != UNKNOWN else exact(lambda x, y: x | y)(a, b)


def unknown(_a, _b):
    return UNKNOWN


ALU = {
    "add": add,
    "sub": sub,
    "and": lambda a, b: bit_and(a, b, top_of),
    "or": either,
    "xor": exact(lambda x, y: x ^ y),
    "shl": shifted(shift_left),
    "shr": shifted(shift_right),
    "sar": unknown,
    "rol": unknown,
    "ror": unknown,
    "adc": unknown,
    "sbb": unknown,
    "imul": unknown,
    "inc": lambda a, _: add(a, num(1)),
    "dec": lambda a, _: sub(a, num(1)),
    "neg": lambda a, _: num(-a.lo) if isinstance(a, Num) and a.exact else UNKNOWN,
    "not": lambda a, _: num(~a.lo) if isinstance(a, Num) and a.exact else UNKNOWN,
}
