# SPDX-License-Identifier: MIT
"""One traced boot of a design: step every operation that the bench program brackets."""
from pathlib import Path

from lib.areas import Areas
from lib.constants import constants
from lib.elf import Elf
from lib.gdbboot import GdbBoot

from .code_figures import entry_ranges
from .events import EventCounter
from .shipped import unpack_program
from .stepper import Stepper, TraceError

# An operation that is an interrupt, and what it interrupts: the bracketed program waits for it.
# {operation: (name of the vector in arch/x86_64/trapframe.h, CPL interrupted)}
INTERRUPTS = {"irq_user": ("VECTOR_TIMER", 3), "irq_kernel": ("VECTOR_SELF_TEST", 0)}


class Subject:
    """The traced image: @shipped holds the ISO's vestibule.elf and archive.tar."""

    def __init__(self, shipped):
        self.shipped = Path(shipped)
        self.kernel = Elf(self.shipped / "vestibule.elf")
        unpack_program(self.shipped / "archive.tar", "bench", self.shipped / "bench")
        self.program = Elf(self.shipped / "bench")
        self.constants = constants()
        self.stub_size = self.constants["ENTRY_STUB_SIZE"]

    def stubs(self, design):
        """Address of the design's stub of vector 0."""
        return self.kernel.address(design.ident + "_stubs")

    def interrupts(self, design):
        """Stepper's table of the operations that wait for an interrupt."""
        return {name: (self.stubs(design) + self.constants[vector] * self.stub_size, level)
                for name, (vector, level) in INTERRUPTS.items()}

    def counter(self, design):
        """An EventCounter for the design's traces."""
        return EventCounter(Areas(self.constants, self.kernel), entry_ranges(self.kernel, design),
                            self.stubs(design), self.stub_size, self.constants)


def trace_design(subject, design, log, wanted=None):
    """Yield the Trace of every operation (or of those @wanted) that the bench program brackets."""
    with GdbBoot(subject.shipped, "entry=%s bench=trace" % design.name, log) as boot:
        stepper = Stepper(boot.gdb, subject.kernel, subject.program)
        yield from stepper.operations(subject.interrupts(design), wanted)
        boot.expect_pass()


def trace_nmi(subject, design, log, operation):
    """The Trace of one NMI in user mode, where the bench program begins @operation; None when it
    never does."""
    with GdbBoot(subject.shipped, "entry=%s bench=trace" % design.name, log) as boot:
        stub = subject.stubs(design) + subject.constants["VECTOR_NMI"] * subject.stub_size
        trace = Stepper(boot.gdb, subject.kernel, subject.program).nmi(operation, stub)
        boot.gdb.resume_or_end()
        boot.expect_pass()
        return trace


def count_design(subject, design, log):
    """{operation: event counts} of one traced boot."""
    counter, counts = subject.counter(design), {}
    for trace in trace_design(subject, design, log):
        if trace.name in counts:
            raise TraceError("%s is bracketed twice in one boot" % trace.name)
        counts[trace.name] = counter.count(trace)
    return counts
