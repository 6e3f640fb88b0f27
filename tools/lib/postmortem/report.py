# SPDX-License-Identifier: MIT
"""The report on a guest that hangs, as lines of text."""
from pathlib import Path

from .. import syscalls
from ..constants import constants
from ..elf import opened
from ..gdb import GdbError, GdbStub
from .layout import LayoutError
from .memory import Unreadable
from .objects import Kernel

REGISTERS = ["rip", "rsp", "rbp", "eflags", "cs", "cr0", "cr2", "cr3", "gs_base", "k_gs_base"]
FLAG_IF, PAGING = 1 << 9, 1 << 31
KERNEL_HALF = 1 << 63
BACKTRACE_MAX = 12
THREADS_MAX = 60        # of a process
WAITS_FOR_THREAD = {"thread_join", "thread_stop"}
ANSWER_SECONDS = 10


class Postmortem:
    """@gdb: the stub of a stopped guest that boots @build's kernel. lines() may be asked once."""

    def __init__(self, gdb, build):
        self.gdb, self.build = gdb, Path(build)
        self.elf = opened(self.build / "vestibule.elf")
        self.calls = {c.number: (c.name, c.args) for c in syscalls.calls()}
        self.kernel = None

    def lines(self):
        """Everything that can be found out; what cannot is said in its place."""
        base = constants()["KERNEL_IMAGE_BASE"]
        cpus = self.cpu_registers()
        self.gdb.address_physically(True)
        try:
            self.kernel = Kernel(self.gdb, self.elf, self.build / "vestibule.elf", base)
        except (Unreadable, LayoutError, GdbError, KeyError) as why:
            return ["no thread can be told: %s" % said(why)] + self.section(self.cpu_lines, cpus)
        return self.section(self.cpu_lines, cpus) + self.section(self.lock_lines) + self.section(
            self.process_lines)

    @staticmethod
    def section(make, *args):
        """make()'s lines; where the guest's memory makes no sense, why."""
        try:
            return make(*args)
        except (Unreadable, GdbError, KeyError, ValueError) as why:
            return ["%s: %s" % (make.__name__.replace("_lines", "").replace("_", " "), said(why))]

    # --- CPUs -----------------------------------------------------------------
    def cpu_registers(self):
        """[{register: value}], one for each CPU that QEMU has."""
        found = []
        for n in range(self.gdb.cpu_count()):
            self.gdb.select(n)
            found.append(dict(zip(REGISTERS, self.gdb.read_registers(REGISTERS))))
        return found

    def cpu_lines(self, cpus):
        """State of each."""
        found = []
        for n, r in enumerate(cpus):
            found += self.section(self.one_cpu_lines, n, r)
        return found

    def one_cpu_lines(self, n, r):
        """Where it is, whose thread it runs, how it came there."""
        cpu = self.kernel.cpu_with_gs((r["gs_base"], r["k_gs_base"])) if self.kernel else None
        name = "CPU %d" % (cpu.index if cpu else n)
        if not r["cr0"] & PAGING:
            return ["%s: not started, or not in long mode yet: rip %#x" % (name, r["rip"])]
        user = r["cs"] & 3
        thread = self.kernel.current_thread(cpu) if cpu else None
        halted = self.elf.address("idle_halt") <= r["rip"] <= self.elf.address("idle_halted")
        head = "%s: %s mode, interrupts %s, cr3 %#x%s" % (
            name, "user" if user else "kernel", "on" if r["eflags"] & FLAG_IF else "off", r["cr3"],
            ", idle" if halted and not user else "")
        place = self.user_place(thread, r["rip"]) if user else self.place(r["rip"])
        lines = [head, "  rip %#x %s" % (r["rip"], place)]
        if thread:
            lines.append("  thread: %s" %
                         ("idle" if self.kernel.is_idle(cpu, thread) else self.thread_name(thread)))
        if self.kernel and not user and not halted:
            lines.append("  from " + self.backtrace(r["rip"], r["rbp"]))
        return lines

    # --- places ---------------------------------------------------------------
    def place(self, address):
        """symbol+distance of kernel text."""
        name, distance = self.elf.near(address)
        return "%s+%#x" % (name, distance) if name and address & KERNEL_HALF else "(no kernel text)"

    def user_place(self, thread, address):
        """The same in the thread's program, where the build has it."""
        process = thread.follow("process", "struct process") if thread else None
        path = self.build / "user" / "bin" / process.text("name") if process else None
        if not path or not path.is_file():
            return ""
        name, distance = opened(path).near(address)
        return "%s+%#x of %s" % (name, distance, path.name) if name else "of %s" % path.name

    def backtrace(self, rip, rbp):
        """The functions from the innermost on."""
        found = []
        while len(found) < BACKTRACE_MAX and rip & KERNEL_HALF:
            # a return address may be the next function's first
            found.append(self.place(rip - bool(found)))
            if not rbp & KERNEL_HALF:
                break
            try:
                rip, rbp = self.kernel.memory.number(rbp + 8), self.kernel.memory.number(rbp)
            except Unreadable:
                break
        return ", ".join(found)

    # --- threads --------------------------------------------------------------
    @staticmethod
    def thread_name(thread):
        """thread t of process p (name)"""
        p = thread.follow("process", "struct process")
        return "%d of process %d (%s)" % (thread.tid, p.pid,
                                          p.text("name")) if p else "the kernel's"

    def lock_lines(self):
        """Global locks that are taken."""
        taken = self.kernel.locks_taken()
        return ["taken: %s" % ", ".join(taken)] if taken else []

    def process_lines(self):
        """Each process with its threads."""
        found = []
        for p in self.kernel.processes():
            threads = self.kernel.threads(p)
            state = ", dead: status %#x" % p.exit_status if p.dead else ", dying" if p.dying else ""
            found.append("process %d (%s)%s: %s" %
                         (p.pid, p.text("name"), state, count(len(threads))))
            for t in threads[:THREADS_MAX]:
                found += self.section(self.thread_lines, p, t)
            if len(threads) > THREADS_MAX:
                found.append("  and %d more" % (len(threads) - THREADS_MAX))
        return found

    def thread_lines(self, process, t):
        """What it does, or waits for."""
        state, cpu = self.kernel.state(t), self.kernel.cpu_number(t)
        head = "  thread %d: %s, CPU %d" % (t.tid, state.lower(), cpu)
        if state == "RUNNING":
            return [head]
        if state == "DEAD":
            return [head + ": nobody has cleared it away yet"]
        if not self.kernel.has_run(t):
            return [head + ": has never run"]
        return [
            head + self.waits(process, t), "    at " + self.backtrace(*self.kernel.saved_context(t))
        ]

    def waits(self, process, t):
        """, in which call, waiting for what"""
        call = self.kernel.system_call(t)
        if self.kernel.is_stopped(t):
            return ", stopped until thread_resume(); its program was at %#x %s" % (
                self.kernel.user_rip(t), self.user_place(t, self.kernel.user_rip(t)))
        if not call:
            return ", its program was interrupted at %#x" % self.kernel.user_rip(t)
        name, args = self.calls.get(call[0], ("system call %d" % call[0], []))
        values = call[1][:len(args)]
        text = ", in %s(%s)" % (name, ", ".join("%s=%s" % (a, number(v))
                                                for a, v in zip(args, values)))
        return text + self.about(process, name, values)

    def about(self, process, name, values):
        """What the call's argument names is doing."""
        if name == "sleep":
            return ": until wake()" + (" or the time is up" if values[0] else "")
        if name in WAITS_FOR_THREAD:
            other = next((t for t in self.kernel.threads(process) if t.tid == values[0]), None)
            return ": thread %d is %s" % (values[0],
                                          self.kernel.state(other).lower() if other else "gone")
        if name == "wait":
            other = next((p for p in self.kernel.processes() if p.pid == values[0]), None)
            return ": process %d %s" % (values[0], "is gone" if not other else
                                        "is dead" if other.dead else "(%s) has %s" %
                                        (other.text("name"), count(other.live_threads)))
        return ""


def count(threads):
    """n threads"""
    return "%d thread%s" % (threads, "" if threads == 1 else "s")


def number(value):
    """Small ones as they are, others in hexadecimal."""
    return str(value) if value < 1 << 20 else "%#x" % value


def said(why):
    """An exception's text; a KeyError's without quotes."""
    return why.args[0] if why.args else type(why).__name__


def examine(path, build, resume=False):
    """The report on the guest whose gdb stub listens at the unix socket @path; it stands
    still after that, or runs on where @resume says so.  Never an exception: a guest that
    cannot be asked is a line."""
    try:
        gdb = GdbStub(path, ANSWER_SECONDS)
        lines = Postmortem(gdb, build).lines()
        if resume:
            gdb.address_physically(False)
            gdb.detach()
        return lines
    except Exception as why:    # pylint: disable=broad-except
        return ["the guest cannot be asked: %s: %s" % (type(why).__name__, why)]
