# SPDX-License-Identifier: MIT
"""The kernel's objects in a guest's memory. Every name of a variable, structure or field of
the kernel that the report needs stands in this file."""
import re

from ..constants import constants
from .layout import Layout
from .memory import Memory, Unreadable

STRUCTS = [
    "struct thread", "struct process", "struct cpu", "struct percpu", "struct trapframe",
    "struct spinlock", "struct list"
]
ENUMS = ["enum thread_state", "enum stop_state"]
LIST_MAX = 100000               # a list that does not end is broken
# arch/x86_64/switch.asm: so many words below the return address, RBP the highest
SWITCH_REGISTERS = 6


class Object:
    """One structure; its fields are attributes, as numbers."""

    def __init__(self, kernel, struct, address):
        self.kernel, self.struct, self.address = kernel, struct, address

    def __getattr__(self, name):
        offset, size = self.kernel.layout.field(self.struct, name)
        return self.kernel.memory.number(self.address + offset, size)

    def text(self, name):
        """A field that is a string."""
        offset, size = self.kernel.layout.field(self.struct, name)
        return self.kernel.memory.read(self.address + offset,
                                       size).split(b"\0")[0].decode("ascii", "replace")

    def follow(self, name, struct):
        """The structure that a field points at, or None."""
        address = getattr(self, name)
        return Object(self.kernel, struct, address) if address else None


class Kernel:
    """@gdb: a GdbStub whose guest is stopped, reading physical addresses; @elf: its lib.elf.Elf."""

    def __init__(self, gdb, elf, path, image_base):
        self.elf = elf
        self.memory = Memory(gdb, 0)
        pa = elf.address("boot_root") - image_base
        self.memory.root = int.from_bytes(gdb.read_memory(pa, 8), "little")
        if not self.memory.root:
            raise Unreadable("the kernel has made no page table yet")
        self.layout = Layout(path, STRUCTS, ENUMS)

    def variable(self, name, size=8):
        """A variable's value."""
        return self.memory.number(self.elf.address(name), size)

    def cpus(self):
        """Those that have been set up."""
        size = self.layout.sizes["struct cpu"]
        found = []
        while len(found) < 64:
            cpu = Object(self, "struct cpu", self.elf.address("cpus") + len(found) * size)
            if not cpu.percpu:
                break
            found.append(cpu)
        return found

    def cpu_with_gs(self, bases):
        """The CPU one of whose GS bases is its percpu's address, or None."""
        return next((c for c in self.cpus() if c.percpu in bases), None)

    def current_thread(self, cpu):
        """What @cpu runs."""
        return Object(self, "struct percpu", cpu.percpu).follow("current", "struct thread")

    def is_idle(self, cpu, thread):
        """Is @thread @cpu's idle thread?"""
        return cpu.idle == thread.address

    def listed(self, head, struct, link):
        """The objects of the struct list at the address @head, which have its node in the field
        @link."""
        following, _ = self.layout.field("struct list", "next")
        offset, _ = self.layout.field(struct, link)
        found, at = [], self.memory.number(head + following)
        while at != head and len(found) < LIST_MAX:
            found.append(Object(self, struct, at - offset))
            at = self.memory.number(at + following)
        return found

    def processes(self):
        """All of them, by their numbers."""
        return sorted(self.listed(self.elf.address("processes"), "struct process", "all"),
                      key=lambda p: p.pid)

    def threads(self, process):
        """Its threads, by their numbers."""
        head = process.address + self.layout.field("struct process", "threads")[0]
        return sorted(self.listed(head, "struct thread", "sibling"), key=lambda t: t.tid)

    def state(self, thread):
        """READY, RUNNING, SLEEPING, BLOCKED, ..."""
        names = self.layout.enums["enum thread_state"]
        return names.get(thread.state, "state %d" % thread.state).replace("THREAD_", "")

    def is_stopped(self, thread):
        """thread_stop() has stopped it."""
        return self.layout.enums["enum stop_state"].get(thread.stop) == "STOP_DONE"

    def cpu_number(self, thread):
        """Of the CPU whose run queue it belongs to."""
        return thread.follow("cpu", "struct cpu").index

    def saved_context(self, thread):
        """(rip, rbp) that switch_stacks() will give a thread that does not run."""
        at = thread.kernel_rsp
        return (self.memory.number(at + 8 * SWITCH_REGISTERS),
                self.memory.number(at + 8 * (SWITCH_REGISTERS - 1)))

    def has_run(self, thread):
        """False: nothing but its making has happened to it."""
        return self.saved_context(thread)[0] != self.elf.address("thread_entry")

    def system_call(self, thread):
        """(number, arguments) that its last entry asked for, or None when that was no system
        call."""
        f = thread.follow("frame", "struct trapframe")
        if not f or f.vector != constants()["VECTOR_SYSCALL"]:
            return None
        return f.error, [f.rdi, f.rsi, f.rdx, f.r10]

    def user_rip(self, thread):
        """Where its program was when it last entered."""
        return thread.follow("frame", "struct trapframe").rip

    def locks_taken(self):
        """Names of the global locks that somebody holds."""
        size = self.layout.sizes["struct spinlock"]
        return [
            s.name for s in self.elf.symbols    # a function's own static one is name.number
            if s.size == size and re.search(r"(^|_)lock(\.\d+)?$", s.name) and
            self.variable(s.name, 4)
        ]
