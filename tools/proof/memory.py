# SPDX-License-Identifier: MIT
"""memory.py - memory operands: where one points, and whether the loaded table maps that."""
from capstone import x86_const as x86

from .state import limits, note_area
from .values import (ALL, PAGE, UNKNOWN, Cr3, Gs, Num, Stack, Table, Word, Work, add, cut, num,
                     shift_left, signed, width)

TABLE_MOST = 64     # words of a table that a load may choose from


class Door:
    """A place in the percpu pages, by offset."""

    def __init__(self, off):
        self.off = off


class Memory:
    """Mixin of Machine: needs self.facts, self.fail(state, insn, what, hint)."""

    def reg_value(self, state, name):
        full, size = self.register(name)
        value = state.regs[full]
        if size == 1 and name.endswith("h"):
            return width(1)
        return cut(value, size)

    def address(self, state, insn, operand):
        """The operand's address: a value, or a Door for GS."""
        mem = operand.mem
        value = num(mem.disp)
        for reg, scale in ((mem.base, 1), (mem.index, mem.scale)):
            if not reg:
                continue
            name = insn.reg_name(reg)
            if name == "rip":
                value = add(value, num(insn.address + insn.size))
            else:
                part = self.reg_value(state, name)
                value = add(value, part if scale == 1 else shift_left(part, scale.bit_length() - 1))
        if mem.segment == x86.X86_REG_GS:
            return Door(value)
        if isinstance(value, Gs) and value.base == "own" and value.part == "all":
            return Door(num(value.off))
        return value

    def check(self, state, insn, operand, size, write):
        """The operand's place when the access is allowed, else None, reported."""
        if insn.address in self.trusted:
            self.used_trust.add(insn.address)
            return None
        if operand.mem.segment not in (0, x86.X86_REG_GS):
            return self.fail(state, insn, "uses another segment than GS",
                             "read the door page instead")
        where = self.address(state, insn, operand)
        if isinstance(where, Door):
            via_gs = operand.mem.segment == x86.X86_REG_GS
            return where if self.door_ok(state, insn, where.off, size, via_gs) else None
        if isinstance(where, Stack):
            return where if self.stack_ok(state, insn, where, size, write) else None
        if isinstance(where, Num):
            return where if self.image_ok(state, insn, where, size, write) else None
        return self.elsewhere(state, insn, operand, where, write)

    def door_ok(self, state, insn, off, size, via_gs):
        if via_gs and state.gs != "kernel":
            return self.fail(state, insn, "is GS-relative while GS is the user's",
                             "SWAPGS is missing on this path")
        if not isinstance(off, Num):
            return self.fail(state, insn, f"is GS-relative at {off}",
                             "take a constant offset in struct percpu")
        end, used = off.hi + size, self.facts.image.offsets["PERCPU_DOOR_PAD"]
        if self.on_kernel(state):
            return end <= 2 * PAGE or self.fail(
                state, insn, f"is GS-relative at {off}, outside struct percpu", "")
        if off.hi >= PAGE:
            return self.fail(
                state, insn,
                f"is GS-relative at {off}: percpu's private page, which no user root maps",
                "read it after the flip in, or make it a field of the door page")
        return end <= used or self.fail(
            state, insn, f"is GS-relative at {off}: the door page has no field there",
            "a stack protector? build entry C without")

    def stack_ok(self, state, insn, where, size, write):
        area = where.area
        low, high = limits(area)
        if where.off < low or where.off + where.span + size > high:
            what = f"leaves the {note_area(area)} stack ({where}; {low:#x}..{high:#x} is its own)"
            return self.fail(state, insn, what, "count the pushes and pops on this path")
        if write and area == "ist" and where.off + where.span + size > 0 and where.off < 8:
            return self.fail(state, insn, "writes the percpu pointer above an IST frame",
                             "it is read only")
        if not self.visible(state, area):
            return self.fail(state, insn, f"touches the {note_area(area)} stack on the user table",
                             "flip in first, or use the stack that the user root maps")
        self.deepest[area] = min(self.deepest.get(area, 0), where.off)
        return True

    def visible(self, state, area):
        if self.on_kernel(state) or area in ("entry", "tramp", "ist"):
            return True
        return area == "found" and state.scene.cr3 == "user"

    def image_ok(self, state, insn, where, size, write):
        facts = self.facts
        if self.on_kernel(state):
            return not write or facts.image.section_of(where.lo) is not None or \
                self.fail(state, insn, f"writes {where}, which is no place in the image",
                          "it might hit a stack")
        if facts.in_rodata(where.lo, where.hi - where.lo +
                           size) or facts.in_text(where.lo) and facts.in_text(where.hi):
            return not write or self.fail(state, insn, f"writes {facts.image.describe(where.lo)}",
                                          "it is read-only")
        return self.fail(
            state, insn, f"touches {facts.image.describe(where.lo)}, which no user root maps",
            "move it after the flip, or what it needs into entry rodata or the door page")

    def elsewhere(self, state, insn, operand, where, write):
        """Through a register that leads nowhere known."""
        if self.on_kernel(state) and not write:
            return None             # everything is mapped; what is read there is unknown
        base = insn.reg_name(operand.mem.base) if operand.mem.base else "an index"
        image, table = self.facts.image, operand.mem.disp & ALL
        if image.section_of(table):
            base = f"{base} into {image.describe(table)}"
        if self.on_kernel(state):
            return self.fail(state, insn, f"writes through {base}, {where}: it might hit the frame",
                             "leave such work to the C behind the declared exits")
        return self.fail(
            state, insn,
            f"goes through {base}, {where}: not the frame, the door page or entry rodata",
            "make it one of these, with bounds, or vouch for it (entry/trust.h)")

    # --- loads and stores -----------------------------------------------------

    def load(self, state, insn, operand, size):
        where = self.check(state, insn, operand, size, False)
        if isinstance(where, Door):
            return cut(self.door_value(state, where.off), size)
        if isinstance(where, Stack):
            if where.span or where.off % 8 and size == 8:
                return width(size)
            word = state.load(where.area, where.off & ~7)
            return cut(word, size) if where.off % 8 == 0 else width(size)
        if isinstance(where, Num) and size == 8 and self.facts.in_rodata(
                where.lo, where.hi - where.lo + 8):
            return self.table(operand, where)
        return width(size)

    def table(self, operand, where):
        """A word of entry rodata. Of several, an index of known bounds picks one."""
        step = operand.mem.scale if operand.mem.index else 8
        slots = tuple(range(where.lo, where.hi + 1, max(step, 1)))
        if len(slots) == 1:
            return num(self.facts.image.word(slots[0]) or 0)
        return Table(slots) if step == 8 and len(slots) <= TABLE_MOST else UNKNOWN

    def store(self, state, insn, operand, size, value):
        where = self.check(state, insn, operand, size, True)
        if isinstance(where, Stack):
            state.store(where, size, value)
        elif isinstance(where, Door):
            self.door_store(state, insn, where.off, size, value)

    def door_value(self, state, off):
        """What the percpu pages hold at @off."""
        at = self.facts.image.offsets
        if not isinstance(off, Num) or not off.exact:
            return UNKNOWN
        body = off.lo - at["PERCPU_IST_BODY_TOP"]
        if 0 <= body < 8 * (1 + max(self.facts.ist)) and body % 8 == 0:
            return Stack(f"body{body // 8}", 0)
        landing = Stack(self.facts.landing, 0) if self.facts.landing != "kernel" else UNKNOWN
        known = {
            at["PERCPU_KERNEL_CR3"]: Cr3("kernel", "door"), at["PERCPU_USER_CR3"]:
            Cr3("user", "door"), at["PERCPU_ENTRY_TOP"]: landing, at["PERCPU_KSTACK_TOP"]:
            Stack("kernel", 0), at["PERCPU_WORK"]: Work()
        }
        return known.get(off.lo) or state.load("door", off.lo)

    def door_store(self, state, insn, off, size, value):
        at = self.facts.image.offsets
        if not off.exact or off.lo != at["PERCPU_SCRATCH"] or size != 8:
            self.fail(state, insn, f"writes percpu at {off}",
                      "entry text writes the scratch word only")
        else:
            state.store(Stack("door", off.lo), size, value)

    def visit_stack(self, state, insn, rsp, write):
        """May the word at @rsp, which a push, pop, call or ret touches, be touched?"""
        if isinstance(rsp, Stack):
            return self.stack_ok(state, insn, rsp, 8, write)
        if isinstance(rsp, Word) and rsp.name == "rsp" and state.scene.origin == "kernel" and \
                not write and 0 <= signed(rsp.off) < 16 and \
                (self.on_kernel(state) or state.cr3.half == state.scene.cr3):
            return True             # two words that an IST body put on the stack it interrupted
        return self.fail(state, insn, f"uses RSP as a stack, but it holds {rsp}",
                         "load RSP from the door first")
