# SPDX-License-Identifier: MIT
"""control.py - where a path goes on: branches, calls, the declared exits, and the ways out of the
kernel."""
from capstone import x86_const as x86

from .flags import CONDITIONS, narrowed, possible
from .state import (CALLEE_SAVED, HEAD, PER_CPU, REGISTERS, fill_frame, frame_words, limits,
                    wrong_word)
from .values import ALL, UNKNOWN, Byte, Cr3, Gs, Num, Stack, Table, Word, Work, num, signed, sub


class Control:
    """Mixin of Machine."""

    # --- inside entry text ----------------------------------------------------

    def jump(self, state, insn, condition):
        if condition == "mp":
            return self.follow(state, insn, "jumps to")
        if condition not in CONDITIONS:
            self.fail(state, insn, "is no jump that entry text may use", "")
            return []
        found = []
        for truth in possible(condition, state.flags):
            new = state.copy(insn.operands[0].imm & ALL if truth else state.pc)
            lesson = narrowed(condition, truth, state.flags)
            if lesson:
                new.set(*lesson)
            if state.flags and isinstance(state.flags.a, Work) and state.flags.b == num(0):
                new.done = state.done | {"work"} if truth == (CONDITIONS[condition]
                                                              == "e") else state.done - {"work"}
            if not truth or self.inside(new, insn, new.pc, "jumps to"):
                found.append(new)
        return found

    def targets(self, state, insn):
        """Where a jump or call may lead: constants only, or [] when that is not known."""
        operand = insn.operands[0]
        if operand.type == x86.X86_OP_IMM:
            return [operand.imm & ALL]
        value = self.read(state, insn, operand)
        if isinstance(value, Table):
            return [self.facts.image.word(slot) for slot in value.slots]
        if isinstance(value, Num) and value.exact:
            return [value.lo]
        self.fail(state, insn,
                  f"is indirect, to {value}: not a table in entry rodata with a bounded index",
                  "no jump tables (-fno-jump-tables) and no function pointers before the flip")
        return []

    def inside(self, state, insn, target, does):
        """Is @target in this text, or in what the design shares with its kind?"""
        if self.facts.in_text(target) or self.facts.is_handed_over(target):
            return True
        self.fail(
            state, insn,
            f"{does} {self.facts.image.describe(target)}, which is not this design's entry text",
            "mark the function ENTRY_TEXT, or declare an exit in entry/proof.json")
        return False

    def follow(self, state, insn, does):
        found = []
        for target in self.targets(state, insn):
            if self.inside(state, insn, target, does):
                found.append(state.copy(target))
        return found

    def do_call(self, state, insn):
        found = []
        for target in self.targets(state, insn):
            new = state.copy(state.pc)
            if target in self.facts.image.exit_names:
                # its return address
                self.visit_stack(new, insn, sub(new.regs["rsp"], num(8)), True)
                found.append(self.leave_for(new, insn, self.facts.image.exit_names[target]))
            elif self.inside(new, insn, target, "calls"):
                self.push_value(new, insn, num(new.pc))
                new.pc = target
                found.append(new)
        return found

    def do_ret(self, state, insn):
        if insn.operands:
            self.fail(state, insn, "pops more than its address", "")
        rsp = state.regs["rsp"]
        target = self.pop_value(state, insn)
        if isinstance(target, Num) and target.exact and self.inside(state, insn, target.lo,
                                                                    "returns to"):
            state.pc = target.lo
            return [state]
        if isinstance(rsp, Word) and state.scene.entry == "ist":
            if signed(rsp.off) != 8:
                self.fail(state, insn, "pops the first word that the body put there",
                          "RFLAGS lies below the address")
            self.check_leaving(state, insn)         # the words that a body put there
            self.check_registers(state, insn, ("rsp",))
        elif not isinstance(target, Num):
            self.fail(state, insn, f"returns to {target}",
                      "count the pushes and pops in this function")
        return []

    # --- declared exits -------------------------------------------------------

    def spoil(self, state):
        """A call of C has returned."""
        for register in REGISTERS:
            if register not in CALLEE_SAVED:
                state.regs[register] = UNKNOWN
        state.flags = None

    def leave_for(self, state, insn, name):
        """Call of declared exit @name: check what it is given, return the state behind it."""
        exit_, rsp = self.facts.image.exits[name], state.regs["rsp"]
        if state.shown()[1] != "kernel" or not self.on_kernel(state) or state.iflag != "0":
            self.fail(state, insn, f"leaves for {name}() in the wrong state",
                      "it expects kernel table and GS, if=0")
        vestibule = state.area() == "any" and self.facts.split and state.scene.cr3 == "user"
        if state.area() not in exit_["rsp"] or vestibule:
            self.fail(state, insn, f"leaves for {name}() on the {state.area()} stack",
                      f"it runs on one of: {', '.join(exit_['rsp'])}")
        elif "df" not in state.done:
            self.fail(state, insn, f"leaves for {name}() with DF as it was found", "C wants CLD")
        elif isinstance(rsp, Stack) and rsp.off % 16:
            self.fail(state, insn, f"leaves for {name}() with RSP not a multiple of 16",
                      "C aligns by it")
        for register, kind in zip(("rdi", "rsi", "rdx"), exit_["arguments"]):
            self.check_argument(state, insn, name, register, kind)
        frame = state.regs["rdi"] if exit_["arguments"][:1] == ["frame"] else None
        self.behind(state, exit_, frame)
        # An exit may leave work behind it, but for the one that is there to do it.
        state.done = state.done | {"work"} if exit_["does"] == "work" else state.done - {"work"}
        state.done |= {"handler"} if frame is not None else set()
        return state

    def check_argument(self, state, insn, name, register, kind):
        value, scene = state.regs[register], state.scene
        if kind == "frame":
            return self.check_frame(state, insn, name, value)
        if kind == "cr3":
            good = value == Cr3(scene.cr3, "found")
        elif kind == "result":
            good = value == Word("result")
        else:
            good = getattr(value, "base", None) == scene.gs and value.part == "all"
        return good or self.fail(state, insn, f"gives {name}() {value} in {register}",
                                 f"it expects the {kind} found")

    def check_frame(self, state, insn, name, at):
        """@at must be a whole frame, each word of it the interrupted program's."""
        offsets = self.facts.image.offsets
        if not isinstance(
                at,
                Stack) or at.span or at.off + offsets["TF_SIZE"] > 0 or at.off < limits(at.area)[0]:
            return self.fail(state, insn, f"gives {name}() {at} in rdi",
                             "it expects the frame's address")
        wrong = wrong_word(state, at, frame_words(offsets), offsets)
        return wrong is None or self.fail(
            state, insn, f"gives {name}() a frame whose {wrong} is not the program's",
            "build it as struct trapframe says, before anything is spoilt")

    def selectors(self, state):
        at = self.facts.image.offsets
        return [num(at["SEL_KERNEL_CODE" if state.scene.origin == "kernel" else "SEL_USER_CODE"])]

    def behind(self, state, exit_, frame):
        """What holds when the exit has returned."""
        rsp = state.regs["rsp"]
        self.spoil(state)
        if exit_["result"] == "rax":
            state.regs["rax"] = Word("result")
        if exit_["result"] == "false-from-user" and state.scene.origin != "kernel":
            state.regs["rax"] = Byte(0)     # the ABI promises no more of a bool than AL
        if isinstance(rsp, Stack):
            state.forget(lambda area, off: area == rsp.area and off < rsp.off)
        if isinstance(frame, Stack):
            fill_frame(state, frame, frame_words(self.facts.image.offsets))
        if exit_["sleeps"] == "yes" or exit_[
                "sleeps"] == "kernel-table" and state.scene.cr3 == "kernel":
            self.slept(state)

    def slept(self, state):
        """The thread may be on another CPU: what belongs to the old one is stale."""
        for register, value in list(state.regs.items()):
            state.regs[register] = stale(value)
        state.mem = {k: stale(v) for k, v in state.mem.items()}
        state.forget(lambda area, _: area in PER_CPU + ("door",))
        state.cr3 = Cr3(state.cr3.half, "kept")

    # --- out of the kernel ----------------------------------------------------

    def do_iretq(self, state, insn):
        for name in reversed(HEAD):
            word = self.pop_value(state, insn)
            if word != Word(name) and not (name == "cs" and word in self.selectors(state)):
                self.fail(state, insn, f"pops {word} for {name}",
                          "RSP is not at the five words of the frame")
        self.check_leaving(state, insn)
        self.check_registers(state, insn, ("rsp",))
        return []

    def do_sysretq(self, state, insn):
        return self.do_sysret(state, insn)      # another capstone's name for it

    def do_sysret(self, state, insn):
        if 0x48 not in insn.bytes[:-2]:
            self.fail(state, insn, "returns to 32-bit code", "o64 sysret")
        for register, name in (("rcx", "rip"), ("r11", "rflags"), ("rsp", "rsp")):
            if state.regs[register] != Word(name):
                self.fail(state, insn, f"leaves with {state.regs[register]} in {register}",
                          f"it must be the program's {name}")
        if state.scene.origin == "kernel":
            self.fail(state, insn, "leaves by SYSRET what was entered from kernel mode", "")
        self.check_leaving(state, insn)
        self.check_registers(state, insn, ("rsp", "rcx", "r11"))
        return []

    def check_registers(self, state, insn, but):
        for register, value in state.regs.items():
            wanted = Word(
                "result" if register == "rax" and state.scene.entry == "syscall" else register)
            if register not in but and value != wanted:
                self.fail(state, insn, f"leaves with {value} in {register}", f"it must be {wanted}")

    def check_leaving(self, state, insn):
        """Table and GS must be what user mode needs, or verbatim what an entry from kernel mode
        found."""
        scene = state.scene
        if "handler" not in state.done and scene.entry != "return":
            self.fail(state, insn, "leaves without having called the handler", "")
        if "work" not in state.done and scene.origin == "user" and scene.entry != "ist":
            self.fail(state, insn, "leaves to user mode without having looked for work",
                      "exit_work() while work is not 0")
        if (state.gs, state.kgs) != (scene.gs, "user" if scene.gs == "kernel" else "kernel"):
            self.fail(
                state, insn, f"leaves with GS {state.gs}'s, entered with {scene.gs}'s",
                "write back what RDMSR read"
                if scene.entry == "ist" else "a SWAPGS too many, or missing")
        if not self.facts.split:
            return
        verbatim = (state.cr3.source == "found" or
                    state.cr3.source == "kept" and scene.entry != "ist")
        if state.cr3.half != scene.cr3:
            hint = ("the flip out is missing here" if scene.cr3 == "user" else
                    "write back the CR3 that was found")
            self.fail(state, insn,
                      f"leaves on the {state.cr3.half} table, entered on the {scene.cr3} one", hint)
        elif (scene.origin == "kernel" or scene.entry == "ist") and not verbatim:
            self.fail(state, insn, f"leaves with {state.cr3} loaded",
                      "write back the CR3 that was found, verbatim")


def stale(value):
    """@value, seen from another CPU."""
    if isinstance(value, Cr3) and value.source != "kept":
        return Cr3(value.half, "stale")
    if isinstance(value, Stack) and value.area.startswith(PER_CPU + ("body",)):
        return UNKNOWN
    if isinstance(value, Gs) and value.base != "user":
        return Gs("stale", value.part)
    return value
