# SPDX-License-Identifier: MIT
"""early.py - an NMI or a fault before a CPU has descriptors of its own: before cpu_load().

From the first 64-bit instruction on the gdb stub stops the guest at an instruction and an NMI
comes there, which must leave no trace but its line.  At all of the first instructions, and then at
some of every function that runs in that time, drawn by SEED=.  To the boot CPU QEMU's monitor sends
it, through the LINT1 that the firmware has set up; a CPU that is being started has its APIC as the
INIT left it, so it is made to send one to itself.  A forced fault must end in a report.
"""
import random

import capstone

from check import DESIGNS, Check, Failed, Outcome, expect, finish, under_gdb
from lib import settings
from lib.elf import STT_FUNC, Elf, built_kernel
from lib.gdbboot import GdbBoot

SEED = settings.seed()
DESIGN = DESIGNS[-1]
PROGRAM = "tests=kernel"
AT_ALL_OF_FIRST = 60                    # instructions: the assembly and the head of kmain()
SAMPLE = 150
FIRST, AP_FIRST = "multiboot2_start.long_mode", "ap_long_mode"
END = "cpu_load"
LAPIC_PA, ICR_LOW, ICR_HIGH = 0xfee00000, 0x300, 0x310
ICR_NMI = 1 << 14 | 4 << 8              # assert; delivery mode NMI
STORE = b"\x89\x08"                     # mov [rax], ecx
NOWHERE = 0xffffc12345678000            # no table maps it
RF = 1 << 16                            # EFLAGS
PKRS, JUNK = 0x6e1, 0x5a5a              # an MSR of 32 bits, or none
UD2, MOV_SS_AX = b"\x0f\x0b", b"\x8e\xd0"
BAD_SELECTOR = 0x1000                   # beyond the GDT


def here(boot: GdbBoot) -> int:
    return boot.gdb.read_registers(["rip"])[0]


def functions_on_the_way(elf: Elf) -> list:
    """The functions that the boot CPU enters before END."""
    entries = {s.address: s for s in elf.symbols if s.type == STT_FUNC and s.size}
    found = []
    with under_gdb(DESIGN, PROGRAM, "early-functions") as boot:
        boot.gdb.run_to(elf.address(FIRST))
        for address in entries:
            boot.gdb.set_breakpoint(address)
        while True:
            boot.gdb.resume()
            rip = here(boot)
            if rip == elf.address(END):
                return found
            found.append(entries[rip])
            boot.gdb.clear_breakpoint(rip)


def sampled(elf: Elf, functions: list) -> list[int]:
    """SAMPLE addresses of their instructions."""
    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    addresses = [i.address for f in functions
                 for i in engine.disasm(elf.read(f.address, f.size), f.address)]
    return random.Random(SEED).sample(addresses, min(SAMPLE, len(addresses)))


def take_here(boot: GdbBoot, rip: int) -> None:
    """An NMI is pending: it is taken, and what it interrupted goes on with its registers."""
    names = [name for name, _, _ in boot.gdb.registers[:24]]     # without the FPU's
    before = boot.gdb.read_registers(names)
    boot.gdb.run_to(rip)
    after = boot.gdb.read_registers(names)
    # QEMU 10 and later push RF with an NMI; the next instruction clears it.
    after[names.index("eflags")] &= ~RF | before[names.index("eflags")]
    if spoilt := [f"{n}: {b:#x} became {a:#x}" for n, b, a in zip(names, before, after) if b != a]:
        raise Failed(f"the NMI at {rip:#x} spoilt {', '.join(spoilt)}")


def nmi_by_monitor(boot: GdbBoot, _elf: Elf, rip: int) -> None:
    boot.gdb.monitor("nmi")
    take_here(boot, rip)


def store(boot: GdbBoot, rip: int, address: int, value: int) -> None:
    """The CPU that is stopped at @rip stores @value; STORE lies right before."""
    for name, word in (("rax", address), ("rcx", value), ("rip", rip - len(STORE))):
        boot.gdb.write_register(name, word)
    boot.gdb.step()
    if here(boot) != rip:
        raise Failed(f"a store before {rip:#x} went to {here(boot):#x}")


def nmi_to_itself(boot: GdbBoot, elf: Elf, rip: int) -> None:
    """The CPU, whose APIC id is 1, sends itself an NMI; what it needed for that is put back."""
    rax, rcx, cr3 = boot.gdb.read_registers(["rax", "rcx", "cr3"])
    early = cr3 == elf.address("early_pml4")
    apic = LAPIC_PA if early else boot.gdb.read_word(elf.address("lapic_base"))
    code = boot.gdb.read_memory(rip - len(STORE), len(STORE))
    boot.gdb.write_memory(rip - len(STORE), STORE)
    store(boot, rip, apic + ICR_HIGH, 1 << 24)
    store(boot, rip, apic + ICR_LOW, ICR_NMI)
    boot.gdb.write_memory(rip - len(STORE), code)
    boot.gdb.write_register("rax", rax)
    boot.gdb.write_register("rcx", rcx)
    take_here(boot, rip)


def step_with_nmis(boot: GdbBoot, elf: Elf, count: int, nmi) -> int:
    """One at each of the next @count instructions, or until END; how many."""
    for done in range(count):
        rip = here(boot)
        if rip == elf.address(END):
            return done
        nmi(boot, elf, rip)
        boot.gdb.step()
    return count


def visit(boot: GdbBoot, elf: Elf, addresses: list[int], nmi) -> int:
    """One at each of @addresses that is reached before END; how many."""
    done = 0
    for address in addresses + [elf.address(END)]:
        boot.gdb.set_breakpoint(address)
    while (rip := here(boot)) != elf.address(END):
        if rip in addresses:
            boot.gdb.clear_breakpoint(rip)
            nmi(boot, elf, rip)
            done += 1
        boot.gdb.resume()
    for address in addresses + [elf.address(END)]:
        boot.gdb.clear_breakpoint(address)
    return done


def expect_line(boot: GdbBoot, cpu: int, count: int) -> None:
    finish(boot)
    text = boot.log.read_text(errors="replace")
    line = f"NMI: {count} before CPU {cpu} was set up, the last at "
    if line not in text:
        raise Failed(f"the log does not say '{line}'", text.splitlines()[:20])


def nmi_check() -> Check:
    def run() -> str:
        elf = built_kernel()
        addresses = sampled(elf, functions_on_the_way(elf))
        with under_gdb(DESIGN, PROGRAM, "early-nmi") as boot:
            boot.gdb.run_to(elf.address(FIRST))
            count = step_with_nmis(boot, elf, AT_ALL_OF_FIRST, nmi_by_monitor)
            count += visit(boot, elf, addresses, nmi_by_monitor)
            expect_line(boot, 0, count)
        if count < AT_ALL_OF_FIRST + SAMPLE // 3:
            raise Failed(f"only {count} NMIs: most of the sample was not reached")
        return f"{count} NMIs, seed {SEED}"
    return Check(f"{DESIGN.name}.early-nmi", run)


def ap_nmi_check() -> Check:
    def run() -> str:
        elf = built_kernel()
        with under_gdb(DESIGN, PROGRAM, "early-nmi", cpus=2) as boot:
            boot.gdb.run_to(elf.address(AP_FIRST))
            count = step_with_nmis(boot, elf, 1 << 30, nmi_to_itself)
            expect_line(boot, 1, count)
        if count < AT_ALL_OF_FIRST:
            raise Failed(f"only {count} NMIs")
        return f"{count} NMIs: at every instruction"
    return Check(f"{DESIGN.name}.early-nmi-2-cpus", run)


def expected_fault_check() -> Check:
    """wrmsr_safe() of an MSR that does not take the value, called where frames_init() begins."""
    def run() -> None:
        elf = built_kernel()
        there, names = elf.address("frames_init"), ("rax", "rcx", "rdx", "rdi", "rsi", "rsp")
        with under_gdb(DESIGN, PROGRAM, "early-wrmsr") as boot:
            boot.gdb.run_to(there)
            saved = boot.gdb.read_registers(names)
            boot.gdb.write_word(saved[-1] - 8, there)
            call = {"rsp": saved[-1] - 8, "rdi": PKRS, "rsi": (1 << 64) - 1, "rax": JUNK,
                    "rip": elf.address("wrmsr_safe")}
            for name, value in call.items():
                boot.gdb.write_register(name, value)
            boot.gdb.run_to(there)
            if (answer := boot.gdb.read_registers(["rax"])[0]) != 0:
                raise Failed(f"wrmsr_safe() returns {answer:#x}, not false")
            for name, value in zip(names, saved):
                boot.gdb.write_register(name, value)
            finish(boot)
    return Check(f"{DESIGN.name}.early-wrmsr", run)


def undefined(boot: GdbBoot, rip: int) -> str:
    boot.gdb.write_memory(rip, UD2)
    return r"vector 6, error 0, CR2"


def unmapped(boot: GdbBoot, _rip: int) -> str:
    boot.gdb.write_register("rip", NOWHERE)
    return rf"vector 14, error \w+, CR2 (0x)?{NOWHERE:x}"


def bad_selector(boot: GdbBoot, rip: int) -> str:
    boot.gdb.write_memory(rip, MOV_SS_AX)
    boot.gdb.write_register("rax", BAD_SELECTOR)
    return rf"vector 13, error {BAD_SELECTOR:x}, CR2"


# name: (function or label, CPUs, faults); the last CPU is the one that comes there
PLACES = {
    "first": (FIRST, 1, ("ud", "pf", "gp")),
    "memory": ("frames_init", 1, ("gp",)),
    "table": ("kspace_init", 1, ("pf",)),
    "late": ("idt_fill", 1, ("ud",)),
    "ap-first": (AP_FIRST, 2, ("ud", "pf")),
    "ap-late": ("cpu_enable_features", 2, ("gp",)),
}
TABLES = {"late": "kernel", "ap-late": "kernel"}        # else the early one
FAULTS = {"ud": undefined, "pf": unmapped, "gp": bad_selector}


def fault_check(place: str, fault: str) -> Check:
    where, cpus, _ = PLACES[place]
    name = f"early-fault-{place}-{fault}"

    def run() -> None:
        elf = built_kernel()
        with under_gdb(DESIGN, PROGRAM, name, cpus=cpus) as boot:
            if cpus > 1:
                boot.gdb.run_to(elf.address(AP_FIRST))  # the boot CPU has passed @where long ago
            if here(boot) != elf.address(where):
                boot.gdb.run_to(elf.address(where))
            rip = here(boot)
            says = FAULTS[fault](boot, rip)
            boot.gdb.resume_or_end()
            outcome = Outcome(boot.status(), boot.log, 0)
        expect(outcome, "panic", rf"^PANIC: #.* before the CPU was set up: {says}",
               rf", CPU {cpus - 1} ", rf"\({TABLES.get(place, 'early')} table\)",
               r"^rip [0-9a-f]{16}  cs  0008",
               *([r"^CPU 0: stopped"] if cpus > 1 else []))
        if fault != "pf" and f"rip {rip:016x}" not in outcome.text:
            raise Failed(f"the report does not say RIP {rip:#x}", outcome.tail(30))
    return Check(f"{DESIGN.name}.{name}", run)


def second_panic_check() -> Check:
    """A CPU that is being started faults after another has panicked: it tells its state."""
    def run() -> None:
        elf = built_kernel()
        with under_gdb(DESIGN, PROGRAM, "early-second-panic", cpus=2) as boot:
            boot.gdb.run_to(elf.address(AP_FIRST))
            undefined(boot, here(boot))
            # A CPU's number + 1: it was CPU 0, and it is CPU 1's turn.
            for name, value in (("panicking", 1), ("turn", 2)):
                boot.gdb.write_memory(elf.address(name), value.to_bytes(4, "little"))
            boot.gdb.run_to(elf.address("smp_halt"))
            text = boot.log.read_text(errors="replace").replace("\r", "")
        for line in ("CPU 1: panicked too in kernel mode",
                     "  #UD invalid opcode before the CPU was set up", "  thread: none"):
            if line not in text:
                raise Failed(f"the log does not say '{line}'", text.splitlines()[-20:])
    return Check(f"{DESIGN.name}.early-second-panic", run)


def checks() -> list[Check]:
    found = [nmi_check(), ap_nmi_check(), expected_fault_check(), second_panic_check()]
    return found + [fault_check(place, fault)
                    for place, (_, _, faults) in PLACES.items() for fault in faults]
