# SPDX-License-Identifier: MIT
"""explore.py - every state that a design's entry text can be in, from each way in to each way
out."""
from capstone import CS_ARCH_X86, CS_MODE_64, Cs

from lib.processor import ERROR_CODE_VECTORS

from .image import EXCEPTIONS
from .machine import Machine
from .state import Scene, State, fill_frame, frame_words, push_head, vector_class
from .values import UNKNOWN, Cr3, Gs, Num, Stack, Word, num

HALVES = ("user", "kernel")
FAILURES_MOST = 40      # in one design: behind a wrong call all sorts of nonsense follow
STATES_MOST = 500       # at one instruction: more means a loop that counts without end


class Explorer:
    """Runs the machine over a design's own text, or a kind's. After run(): @seen
    {address: {(cr3, gs, rsp, if, origin)}}, and @handed {key: state}, the states in which the
    design goes on in what its kind shares."""

    def __init__(self, facts, report):
        self.facts, self.report = facts, report
        self.machine = Machine(facts, report)
        self.decoder = Cs(CS_ARCH_X86, CS_MODE_64)
        self.decoder.detail = True
        self.insns, self.seen, self.known, self.todo = {}, {}, {}, []
        self.handed = {}
        self.states = 0

    # --- ways in --------------------------------------------------------------

    def scene(self, entry, origin, cr3, gs):
        return Scene(entry, origin, cr3 if self.facts.split else "kernel", gs)

    def halves(self):
        return HALVES if self.facts.split else ("kernel",)

    def selector(self, origin):
        at = self.facts.image.offsets
        return at["SEL_KERNEL_CODE" if origin == "kernel" else "SEL_USER_CODE"]

    def entries(self):
        syscall = State(self.facts.syscall_entry, self.scene("syscall", "user", "user", "user"),
                        "SYSCALL")
        syscall.regs.update(rcx=Word("rip"), r11=Word("rflags"))
        syscall.done = frozenset({"df"})        # FMASK clears it
        yield syscall
        yield self.first_return()
        for vector in range(256):
            yield from self.vector(vector)

    def first_return(self):
        scene = self.scene("return", "return", "user", "user")
        state = State(self.facts.user_return, scene, "a thread's first way out")
        frame = Stack(self.facts.frame_home, -self.facts.image.offsets["TF_SIZE"])
        fill_frame(state, frame, frame_words(self.facts.image.offsets))
        state.regs = dict.fromkeys(state.regs, UNKNOWN)
        # thread_start() runs on the kernel stack; its depth is not known, but below a frame at its
        # top.
        state.regs.update(rdi=frame, rsp=Stack("kernel", -512 - 8))
        state.cr3, state.gs, state.kgs = Cr3("kernel", "kept"), "kernel", "user"
        return state

    def vector(self, vector):
        """Every way that @vector can come. On an IST stack from anywhere; an exception in
        kernel mode likewise, for the kernel may be wrong; an interrupt in kernel mode in its
        own state only, since entry text keeps IF=0."""
        ist = self.facts.ist[vector]
        yield self.event(vector, "ist" if ist else self.facts.landing, "user", "user", "user")
        if not ist and vector >= EXCEPTIONS:
            yield self.event(vector, "kernel-found", "kernel", "kernel", "kernel")
            return
        for cr3 in self.halves():
            for gs in HALVES:
                yield self.event(vector, "ist" if ist else "found", "kernel", cr3, gs)

    def event(self, vector, area, origin, cr3, gs):
        entry = "ist" if area == "ist" else "idt"
        scene = self.scene(entry, origin, cr3, gs)
        state = State(self.facts.stubs + vector * self.facts.stub_size, scene,
                      f"vector {vector} from {origin} mode, found {scene.cr3} table, {gs} GS")
        push_head(state, area, self.selector(origin), vector in ERROR_CODE_VECTORS)
        if area == "ist":
            state.mem[area, self.facts.image.offsets["IST_TOP_PERCPU"]] = Gs("own", "all")
        return state

    # --- the walk -------------------------------------------------------------

    def decode(self, address):
        """The instruction at @address, or None, reported by the caller."""
        if address not in self.insns:
            code = self.facts.image.elf.read(address, 15)
            insn = next(self.decoder.disasm(code, address, 1), None)
            inside = insn and self.facts.in_text(address) and self.facts.in_text(address +
                                                                                 insn.size - 1)
            self.insns[address] = insn if inside else None
        return self.insns[address]

    def add(self, state):
        key = state.key()
        if self.facts.is_handed_over(state.pc):
            self.handed[key] = state
            return
        here = self.known.setdefault(state.pc, set())
        if key in here:
            return
        here.add(key)
        if len(here) > STATES_MOST:
            raise Endless(
                f"{self.facts.name}: more than {STATES_MOST} states at "
                f"{self.facts.name_of(state.pc)}: "
                "a loop whose end the proof does not see")
        self.states += 1
        self.seen.setdefault(state.pc, set()).add(state.shown() + (state.scene.origin,))
        self.todo.append(state)

    def fold(self, state):
        """Behind a stub only the vector's class matters, and 0 stands for an error word."""
        at = self.facts.image.offsets
        for (area, off), value in list(state.mem.items()):
            if off == at["TF_VECTOR"] - at["TF_SIZE"] and isinstance(
                    value, Num) and value.exact and value.hi < 256:
                state.mem[area, off] = vector_class(value.lo, EXCEPTIONS)
            if off == at["TF_ERROR"] - at["TF_SIZE"] and value == num(0):
                state.mem[area, off] = Word("error")

    def run(self, states=None):
        """From every way in to the design, or from @states."""
        todo = list(self.entries() if states is None else states)
        for state in reversed(todo):    # the last one goes first
            self.add(state)
        before = len(self.report.failures)
        while self.todo and len(self.report.failures) - before < FAILURES_MOST:
            state = self.todo.pop()
            insn = self.decode(state.pc)
            if insn is None:
                what = "no instruction: a path runs off the text or into other bytes"
                self.report.fail_at(self.facts, state.pc, what,
                                    "end the path with a jump, SYSRET or IRETQ", state)
                continue
            if insn.mnemonic in ("int3", "ud2", "hlt"):
                self.machine.fail(state, insn, "is reached",
                                  "padding: a path runs on behind its end")
                continue
            for new in self.machine.step(state, insn):
                if self.facts.in_stubs(insn.address) and not self.facts.in_stubs(new.pc):
                    self.fold(new)
                self.add(new)
        return self

    # --- what is left over ----------------------------------------------------

    def unreached(self):
        """Instructions in the text's own bytes that no path reaches, but for padding: [(address,
        text)]."""
        found = []
        for start, end in self.facts.text:
            covered = bytearray(end - start)
            for address in self.seen:
                if start <= address < end and self.insns.get(address):
                    size = self.insns[address].size
                    covered[address - start:address - start + size] = b"\1" * size
            at = start
            while at < end:
                at = at + 1 if covered[at - start] else self.gap(at, covered.find(1, at - start),
                                                                 start, end, found)
        return found

    def gap(self, at, stop, start, end, found):
        """Sweep one gap; returns where it ends."""
        stop = end if stop < 0 else start + stop
        code = self.facts.image.elf.read(at, stop - at)
        while at < stop and code.strip(b"\0\xcc\x90"):
            insn = next(self.decoder.disasm(code, at, 1), None)
            if insn is None or insn.mnemonic not in ("nop", "int3") and code.strip(b"\0"):
                found.append(
                    (at,
                     f"{insn.mnemonic} {insn.op_str}" if insn else "bytes that are no instruction"))
            step = insn.size if insn else 1
            at, code = at + step, code[step:]
        return stop


class Endless(Exception):
    """The walk does not end."""
