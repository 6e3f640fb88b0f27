# SPDX-License-Identifier: MIT
"""nmi.py - an NMI at a bad moment: the handler prints, while the code it interrupted holds the
console's lock.

A handler that waited for that lock would wait for ever.  The gdb stub stops the guest at the first
instruction of uart_write(), which only the console calls, with its lock held; QEMU's monitor sends
the NMI there through LINT1.  One more goes to a system call's dispatch, where the lock is free.

And between an idle CPU's STI and its HLT: neither an NMI nor a machine check may return to the HLT.
Where the processor does not tell what an error has lost, a machine check ends the machine.
"""
import re

from bodies import MCE
from check import DESIGNS, Check, Failed, Outcome, expect, finish, under_gdb
from lib.constants import frame_words
from lib.designs import Design
from lib.elf import Elf, built_kernel
from lib.gdbboot import GdbBoot
from underfire.machine_checks import CPU as RECOVERS

PROGRAM = "test_fault_kill"     # the kernel prints a line for each of its children
SLEEPER = "test_sleep_wake"
# As MCE, with S and AR of the status, EIPV of MCG_STATUS: what the program was to read is lost.
DATA_LOST = "mce 0 9 0xbd80000000000000 0x7 0x1000 0x8c"
TIMES = 5
LINE = r"(?m)^NMI: cpu 0 at 0x%x, kernel mode, cr3 \w+$"


def send_nmi(boot: GdbBoot, elf: Elf, where: str, locked: bool) -> None:
    """The next time that @where is reached, send one; the lock must be as the test wants it."""
    boot.gdb.run_to(elf.address(where))
    boot.gdb.monitor("nmi")
    boot.gdb.run_to(elf.address("ist_nmi"))
    taken = int.from_bytes(boot.gdb.read_memory(elf.address("console_lock"), 4), "little")
    if taken != locked:
        raise Failed(f"at {where} the console's lock is {taken}, not {int(locked)}")
    # The handler calls uart_write() too: only a system call shows that it is over.
    boot.gdb.run_to(elf.address("syscall_dispatch"))
    boot.gdb.step()


def nmi_check(design: Design) -> Check:
    def run() -> str:
        elf = built_kernel()
        with under_gdb(design, f"tests={PROGRAM}", "nmi") as boot:
            boot.gdb.run_to(elf.address("syscall_dispatch"))    # by then LINT1 is set up
            boot.gdb.step()
            send_nmi(boot, elf, "syscall_dispatch", locked=False)
            for _ in range(TIMES):
                send_nmi(boot, elf, "uart_write", locked=True)
            finish(boot)
        text = boot.log.read_text(errors="replace").replace("\r", "")
        for where, times in (("syscall_dispatch", 1), ("uart_write", TIMES)):
            found = len(re.findall(LINE % elf.address(where), text))
            if found != times:
                raise Failed(f"{found} lines about an NMI at {where}, not {times}",
                             text.splitlines()[-20:])
        return f"{TIMES} NMIs under the console's lock"
    return Check(f"{design.name}.nmi", run)


def expect_no_halt(boot: GdbBoot, elf: Elf, command: str, body: str) -> None:
    """The monitor's @command brings an event to the HLT; it must go on after it.
    tests/kernel/test_idle.c has #DB."""
    boot.gdb.run_to(elf.address("idle_halt"))
    boot.gdb.monitor(command)
    boot.gdb.run_to(elf.address(body))
    rsp, frame = boot.gdb.read_registers(["rsp", "rdi"])
    came_at = boot.gdb.read_word(frame + frame_words()["rip"])
    boot.gdb.run_to(boot.gdb.read_word(rsp))
    goes_to = boot.gdb.read_word(frame + frame_words()["rip"])
    if came_at != elf.address("idle_halt") or goes_to != elf.address("idle_halted"):
        raise Failed(f"{body}() came at {came_at:#x}, and returns to {goes_to:#x}, "
                     "not after the HLT")


def halt_check(design: Design) -> Check:
    def run() -> str:
        elf = built_kernel()
        with under_gdb(design, f"tests={SLEEPER}", "halt", cpu=RECOVERS) as boot:
            for command, body in (("nmi", "ist_nmi"), (MCE, "ist_machine_check")):
                expect_no_halt(boot, elf, command, body)
            finish(boot)
        return "an NMI and a machine check"
    return Check(f"{design.name}.nmi-halt", run)


def no_recovery_check(design: Design) -> Check:
    """The error that Intel's processors survive, on one of AMD's: what is lost is not told."""
    def run() -> None:
        elf = built_kernel()
        amd = "max,vendor=AuthenticAMD"
        with under_gdb(design, f"tests={SLEEPER}", "mce-amd", cpu=amd) as boot:
            boot.gdb.run_to(elf.address("syscall_dispatch"))
            boot.gdb.monitor(MCE)
            boot.gdb.resume_or_end()
            outcome = Outcome(boot.status(), boot.log, 0)
        expect(outcome, "panic",
               r"^PANIC: machine check from kernel mode: .*bank 9, status bd0{14}")
    return Check(f"{design.name}.mce-amd", run)


def killed_check(design: Design) -> Check:
    """A machine check that costs a program its data ends it, on a way that does not come back. The
    next one finds the processor ready: else it would be a shutdown."""
    def run() -> None:
        elf = built_kernel()
        with under_gdb(design, f"tests={SLEEPER}", "mce-kills", cpu=RECOVERS) as boot:
            boot.gdb.run_to(elf.address(f"{design.ident}_syscall_entry"))
            boot.gdb.run_to(boot.gdb.read_registers(["rcx"])[0])
            boot.gdb.monitor(DATA_LOST)
            boot.gdb.run_to(elf.address("process_kill_current"))
            boot.gdb.monitor(MCE)
            boot.gdb.resume_or_end()
            outcome = Outcome(boot.status(), boot.log, 0)
        expect(outcome, "fail", r"^machine check survived: .*kernel mode",
               r"^kill: process 1 .*its data is lost")
    return Check(f"{design.name}.mce-kills", run)


def locked_check(design: Design) -> Check:
    """An NMI in the middle of a line: whoever holds the console's lock goes on only after it, so it
    must not wait for that without end."""
    def run() -> None:
        elf = built_kernel()
        with under_gdb(design, f"tests={SLEEPER}", "nmi-locked") as boot:
            boot.gdb.run_to(elf.address("syscall_dispatch"))
            lock = elf.address("console_lock")
            boot.gdb.write_memory(lock, (1).to_bytes(4, "little"))
            boot.gdb.monitor("nmi")
            boot.gdb.run_to(elf.address("ist_nmi"))
            boot.gdb.run_to(boot.gdb.read_word(boot.gdb.read_registers(["rsp"])[0]))
            boot.gdb.write_memory(lock, (0).to_bytes(4, "little"))
            finish(boot)
    return Check(f"{design.name}.nmi-locked", run)


def checks() -> list[Check]:
    last = DESIGNS[-1]
    return [nmi_check(d) for d in DESIGNS] + [
        halt_check(last), no_recovery_check(last), killed_check(last), locked_check(last)]
