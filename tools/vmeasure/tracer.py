# SPDX-License-Identifier: MIT
"""One traced boot of a design: start QEMU with its gdb stub, step every bracketed operation."""
import os
import subprocess
import tempfile
import time
from pathlib import Path

from qemu import EXIT_STATUS, Boot

from .areas import Areas
from .code_figures import entry_ranges
from .events import EventCounter
from .gdbstub import GdbError, GdbStub
from .image import Elf, read_defines
from .shipped import unpack_program
from .stepper import Stepper, TraceError

START_SECONDS = 20

# An operation that is an interrupt, and what it interrupts: the bracketed program waits for it.
# {operation: (name of the vector in arch/x86_64/trapframe.h, CPL interrupted)}
INTERRUPTS = {"irq_user": ("VECTOR_TIMER", 3), "irq_kernel": ("VECTOR_SELF_TEST", 0)}


class Subject:
    """The traced image: @shipped holds the ISO's vestibule.elf and archive.tar."""

    def __init__(self, root, shipped):
        self.shipped = Path(shipped)
        self.kernel = Elf(self.shipped / "vestibule.elf")
        unpack_program(self.shipped / "archive.tar", "bench", self.shipped / "bench")
        self.program = Elf(self.shipped / "bench")
        self.layout = read_defines("%s/mm/layout.h" % root)
        self.vectors = read_defines("%s/arch/x86_64/trapframe.h" % root)
        self.stub_size = read_defines("%s/entry/design.h" % root)["ENTRY_STUB_SIZE"]

    def stubs(self, design):
        """Address of the design's stub of vector 0."""
        return self.kernel.address(design.ident + "_stubs")

    def interrupts(self, design):
        """Stepper's table of the operations that wait for an interrupt."""
        return {name: (self.stubs(design) + self.vectors[vector] * self.stub_size, level)
                for name, (vector, level) in INTERRUPTS.items()}

    def counter(self, design):
        """An EventCounter for the design's traces."""
        return EventCounter(Areas(self.layout, self.kernel), entry_ranges(self.kernel, design.ident),
                            self.stubs(design), self.stub_size, self.layout)


class TracedBoot:
    """A guest under the gdb stub; use it in a with statement. It is stopped before its first
    instruction, its serial line goes to @log."""

    def __init__(self, subject, cmdline, log):
        self.log = Path(log)
        self.boot = Boot(cmdline=cmdline, mode="pvh", icount=True, build=subject.shipped)

    def __enter__(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.directory = tempfile.TemporaryDirectory(prefix="vestibule-trace-")
        path = os.path.join(self.directory.name, "gdb")
        command = self.boot.machine() + [
            "-monitor", "none", "-serial", "file:%s" % self.log, "-S",
            "-chardev", "socket,id=gdb0,path=%s,server=on,wait=off" % path, "-gdb", "chardev:gdb0"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            self.gdb = self._connect(path)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _connect(self, path):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return GdbStub(path)
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise GdbError("QEMU did not start: %s" % self.process.stderr.read()) from None
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.directory.cleanup()

    def expect_pass(self):
        """The guest has ended: TraceError unless it ended well."""
        status = self.process.wait(START_SECONDS)
        if status != EXIT_STATUS["pass"]:
            raise TraceError("the traced boot ended with QEMU status %s" % status)


def trace_design(subject, design, log, wanted=None):
    """Yield the Trace of every operation (or of those @wanted) that the bench program brackets."""
    with TracedBoot(subject, "entry=%s bench=trace" % design.name, log) as boot:
        stepper = Stepper(boot.gdb, subject.kernel, subject.program)
        yield from stepper.operations(subject.interrupts(design), wanted)
        boot.expect_pass()


def count_design(subject, design, log):
    """{operation: event counts} of one traced boot."""
    counter, counts = subject.counter(design), {}
    for trace in trace_design(subject, design, log):
        if trace.name in counts:
            raise TraceError("%s is bracketed twice in one boot" % trace.name)
        counts[trace.name] = counter.count(trace)
    return counts
