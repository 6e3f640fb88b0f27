# SPDX-License-Identifier: MIT
"""panics.py - a broken invariant ends in a report that says enough, in every design, on every CPU.

A stray interrupt breaks none, and ends nothing.
"""
import re

import capstone
from capstone import x86
from check import DESIGNS, Boot, Check, Failed, Outcome, expect, expect_ktap, report, under_gdb
from lib.designs import Design
from lib.elf import built_kernel

# inject= value -> what its report must name
FAULTS = {
    "panic": r"",
    "double-free": r"(?i)free",
    "stack-overflow": r"(?i)double fault|#DF|guard",
    "null-call": r"(?i)page fault|#PF|null",
}

UD2 = bytes((0x0f, 0x0b))
DISASSEMBLER = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
DISASSEMBLER.detail = True
LONGEST_INSTRUCTION = 15
STEPS_MAX = 20000       # far more than from a panic to the wait for a turn


def panic_check(design: str, fault: str) -> Check:
    def run() -> None:
        outcome = Boot(f"entry={design} inject={fault}", what=f"panic-{fault}").run()
        expect(outcome, "panic", r"PANIC", rf"\b{re.escape(design)}\b", r"(?i)cr3",
               r"(?i)last step", r"(?i)backtrace", r"[a-z_]\w+\+0x[0-9a-f]+", FAULTS[fault])
    return Check(f"{design}.panic-{fault}", run)


def stray_check(design: str) -> Check:
    """It came three times, and is told once; nothing else happens."""
    def run() -> None:
        words = f"entry={design} tests=test_sleep_wake inject=stray-irq"
        outcome = Boot(words, what="stray-irq").run()
        expect_ktap(expect(outcome, "pass", r"^irq: interrupt 254 has no handler: ignored"))
        if outcome.text.count("interrupt 254") != 1:
            raise Failed("it is told more than once", report(outcome))
    return Check(f"{design}.stray-irq", run)


def expect_states(outcome: Outcome, cpus: int) -> None:
    """One CPU panicked; each of the others said in one piece where it was, in the order of their
    numbers."""
    expect(outcome, "panic", r"^backtrace:$", r"^  rip [0-9a-f]{16} \w")
    first = re.findall(r"^design \S+, CPU (\d+)$", outcome.text, re.M)
    others = re.findall(r"^CPU (\d+): (?:stopped|panicked)", outcome.text, re.M)
    expected = [str(i) for i in range(cpus) if str(i) not in first]
    if outcome.text.count("PANIC") != 1 or len(first) != 1 or others != expected:
        raise Failed(f"CPU {first} panicked, then CPUs {others} reported", report(outcome))
    if len(re.findall(r"^  thread: \w+", outcome.text, re.M)) != cpus - 1:
        raise Failed("a state is incomplete", report(outcome))


def every_cpu_check(design: str, fault: str, cpus: int, **boot) -> Check:
    name = f"{fault}-{cpus}-cpus" + ("-icount" if boot else "")

    def run() -> None:
        expect_states(
            Boot(f"entry={design} inject={fault}", cpus=cpus, what=name, **boot).run(), cpus)
    return Check(f"{design}.panic-{name}", run)


def first_one_late_check(design: Design) -> Check:
    """Of two CPUs that panic the first stands still before it sends the NMI, until the second
    waits for its turn: then no NMI says where that one is, and it must say so by itself."""
    def run() -> str:
        elf, steps = built_kernel(), 0
        with under_gdb(design, "inject=panic-all", "panic-first-late", cpus=2) as boot:
            gdb = boot.gdb
            second = 1 - gdb.cpu_that_stopped(gdb.run_to(elf.address("smp_stop_others")))
            gdb.select(second)
            while not gdb.read_memory(elf.address("stopped") + second, 1)[0]:
                if (steps := steps + 1) > STEPS_MAX:
                    raise Failed(f"CPU {second} does not stop in {STEPS_MAX} instructions")
                gdb.step_alone(second)
            gdb.resume_or_end()
            status = boot.status()
        expect_states(Outcome(status, boot.log, 0), 2)
        return f"CPU {second} waits after {steps} steps"
    return Check(f"{design.name}.panic-first-late", run)


def is_about_to_write(gdb, address: int) -> bool:
    """Does the selected CPU's next instruction name @address as what it changes?"""
    rip = gdb.read_registers(["rip"])[0]
    code = gdb.read_memory(rip, LONGEST_INSTRUCTION)
    insn = next(DISASSEMBLER.disasm(code, rip))
    first = insn.operands[0] if insn.operands else None
    return (first is not None and first.type == x86.X86_OP_MEM and
            first.mem.base == x86.X86_REG_RIP and
            insn.address + insn.size + first.mem.disp == address and
            insn.mnemonic not in ("cmp", "test"))


def step_until(gdb, cpu: int, reached) -> None:
    """@cpu alone goes on until @reached()."""
    gdb.select(cpu)
    for _ in range(STEPS_MAX):
        if reached():
            return
        gdb.step_alone(cpu)
    raise Failed(f"CPU {cpu} is not there after {STEPS_MAX} instructions")


def both_at_once_check(design: Design) -> Check:
    """Of two CPUs that panic one stands still just before it says so, until the other one has: one
    of the two is the first, and reports."""
    def run() -> None:
        elf = built_kernel()
        panicking = elf.address("panicking")
        with under_gdb(design, "inject=panic-all", "panic-both-at-once", cpus=2) as boot:
            gdb = boot.gdb
            one = gdb.cpu_that_stopped(gdb.run_to(elf.address("panic")))
            step_until(gdb, one, lambda: is_about_to_write(gdb, panicking))
            step_until(gdb, 1 - one, lambda: gdb.read_memory(panicking, 1)[0])
            first = gdb.read_memory(panicking, 4)
            gdb.step_alone(one)
            if gdb.read_memory(panicking, 4) != first:
                raise Failed(f"CPU {one} says that it is the first, after CPU {1 - one} has")
            gdb.resume_or_end()
            status = boot.status()
        expect_states(Outcome(status, boot.log, 0), 2)
    return Check(f"{design.name}.panic-both-at-once", run)


def iret_check(design: Design) -> Check:
    """A fault at the IRETQ that no words of the program bring about is the kernel's: the program is
    not blamed."""
    def run() -> None:
        iret = built_kernel().address(f"{design.ident}_idt_entry.iret")
        with under_gdb(design, "tests=test_sleep_wake", "panic-iret") as boot:
            boot.gdb.run_to(iret)
            boot.gdb.write_memory(iret, UD2)
            boot.gdb.resume_or_end()
            status = boot.status()
        expect(Outcome(status, boot.log, 0), "panic", r"PANIC.*#UD")
    return Check(f"{design.name}.panic-iret", run)


def init_check(design: str) -> Check:
    """The last thread of the first process ends without exit(): nobody is left, and that is
    told."""
    def run() -> None:
        outcome = Boot(f"entry={design} tests=init-leaves", what="init-leaves").run()
        expect(outcome, "fail", r"^init ended with status 0: nothing is left to run$")
    return Check(f"{design}.init-leaves", run)


def checks() -> list[Check]:
    found = [panic_check(d.name, fault) for d in DESIGNS for fault in FAULTS]
    found += [every_cpu_check(d.name, "panic", 4) for d in DESIGNS]
    found += [stray_check(d.name) for d in DESIGNS]
    last = DESIGNS[-1].name
    found += [every_cpu_check(last, "panic-all", cpus) for cpus in (2, 8)]
    found += [iret_check(d) for d in DESIGNS] + [init_check(last)]
    return found + [
        every_cpu_check(last, "panic-all", 4, icount=True),
        first_one_late_check(DESIGNS[-1]),
        both_at_once_check(DESIGNS[-1])
    ]
