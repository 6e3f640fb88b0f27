# SPDX-License-Identifier: MIT
"""Step the guest through one operation and keep every instruction with its registers.

The user program brackets an operation with trace_begin(name) and trace_end().  An operation
that waits for an interrupt is not stepped through its wait: the guest runs to the interrupt's
stub and is stepped from there until the frame has been left.
"""
from collections import namedtuple

GPRS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
REGISTERS = GPRS + ("rip", "eflags", "cs", "fs_base", "gs_base", "k_gs_base", "cr2", "cr3", "efer")
INTERRUPT_FLAG = 0x200

# State before the instruction at rip; code: its bytes (up to 15, cut at what is mapped).
Step = namedtuple("Step", REGISTERS + ("code",))
# entered: None, or the CPL that a hardware entry right before steps[0] came from.
Trace = namedtuple("Trace", "name steps entered")

MAX_STEPS = 400_000


class TraceError(Exception):
    """The trace is not what it should be; the text says which operation and why."""


def cpl(step):
    """Privilege level at @step."""
    return step.cs & 3


class Stepper:
    """@gdb: connected and stopped; @kernel, @program: Elf of the kernel and of the bench
    program."""

    def __init__(self, gdb, kernel, program):
        self.gdb, self.kernel = gdb, kernel
        self.begin = program.address("trace_begin")
        self.end = program.address("trace_end")
        # Enough to tell the program from another with code there, and never over a page's end.
        self.begin_code = program.read(self.begin, min(64, 0x1000 - (self.begin & 0xfff)))
        self.code = {}          # (address space or 0, rip) -> instruction bytes

    def operations(self, interrupts, wanted=None):
        """Yield a Trace per bracketed operation until the guest ends.

        @interrupts: {operation name: (address of the stub that it waits for, CPL interrupted)}.
        @wanted: names to trace; None: all. The others run at full speed.
        """
        self.gdb.set_breakpoint(self.begin)
        while self._run_to_begin():
            name = self.gdb.read_string(self.gdb.read_registers(["rdi"])[0])
            self.gdb.clear_breakpoint(self.begin)
            if wanted is not None and name not in wanted:
                self.gdb.step()
            elif name in interrupts:
                yield self._interrupt(name, *interrupts[name])
                self._run_to_end()
            else:
                yield self._bracket(name)
            self.gdb.set_breakpoint(self.begin)

    def nmi(self, operation, stub):
        """The Trace of an NMI that the monitor sends when the program is about to begin
        @operation: what it interrupts is trace_begin()'s first instruction. @stub: address of
        the NMI's stub. None: never begun."""
        self.gdb.set_breakpoint(self.begin)
        while self._run_to_begin():
            if self.gdb.read_string(self.gdb.read_registers(["rdi"])[0]) == operation:
                self.gdb.clear_breakpoint(self.begin)
                self.gdb.monitor("nmi")
                return self._interrupt("nmi", stub, 3)
            self.gdb.clear_breakpoint(self.begin)
            self.gdb.step()
            self.gdb.set_breakpoint(self.begin)
        return None

    def _run_to_begin(self):
        """False when the guest ended instead. Another program may have code at that address."""
        while True:
            if not self.gdb.resume_or_end():
                return False
            rip, cs = self.gdb.read_registers(["rip", "cs"])
            if rip == self.begin and cs & 3 == 3 and \
                    self.gdb.read_memory(rip, len(self.begin_code)) == self.begin_code:
                return True
            self.gdb.clear_breakpoint(self.begin)
            self.gdb.step()
            self.gdb.set_breakpoint(self.begin)

    def _bracket(self, name):
        steps = self._record(name, lambda s: s.rip == self.end and cpl(s) == 3)
        return Trace(name, steps, None)

    def _interrupt(self, name, stub, from_cpl):
        while True:
            self.gdb.set_breakpoint(stub)
            self.gdb.resume()
            self.gdb.clear_breakpoint(stub)
            rsp, = self.gdb.read_registers(["rsp"])
            # An interrupt's frame at its stub: rip, cs, rflags, rsp, ss, and no error code.
            frame = self.gdb.read_memory(rsp, 40)
            rip, cs, found_rsp = (int.from_bytes(frame[i:i + 8], "little") for i in (0, 8, 24))
            if cs & 3 == from_cpl:
                break
            self.gdb.step()

        def left(s):
            return s.rip == rip and s.rsp == found_rsp and s.cs == cs
        return Trace(name, self._record(name, left), from_cpl)

    def _run_to_end(self):
        """Leave the bracket. Under icount a resumed guest finds its timer due at once: without this
        it would come back from the next interrupt to the very instruction it was stopped at."""
        self.gdb.set_breakpoint(self.end)
        self.gdb.resume()
        self.gdb.clear_breakpoint(self.end)

    def _record(self, name, done):
        """Steps up to the one for which @done holds, itself not included."""
        steps = []
        while len(steps) < MAX_STEPS:
            reply = self.gdb.registers_then_step()
            values = self.gdb.decode(reply, REGISTERS)
            self.gdb.finish_step()
            step = Step(*values, code=b"")
            if done(step):
                return steps
            steps.append(step._replace(code=self._bytes(step)))
        raise TraceError("%s: no end after %d instructions" % (name, MAX_STEPS))

    def _bytes(self, step):
        """The instruction's bytes: the kernel's from its file, a program's from memory.

        A program's page is read after the step: the process is the same then, and both of
        its tables map the lower half.
        """
        user = cpl(step) == 3
        key = (step.cr3 >> 13 if user else 0, step.rip)
        if key not in self.code:
            self.code[key] = (self._user_bytes(step.rip) if user
                              else self.kernel.read(step.rip, 15))
            if not self.code[key]:
                raise TraceError("no instruction bytes for rip %#x" % step.rip)
        return self.code[key]

    def _user_bytes(self, rip):
        room = min(15, 0x1000 - (rip & 0xfff))
        first = self.gdb.read_memory(rip, room)
        try:
            return first + (self.gdb.read_memory(rip + room, 15 - room) if room < 15 else b"")
        except Exception:       # the next page may be unmapped: the instruction ends before it
            return first
