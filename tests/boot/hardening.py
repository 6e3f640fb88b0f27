# SPDX-License-Identifier: MIT
"""hardening.py - what no emulator can show stands in the shipped kernel's instructions, and is
done on each CPU.

Speculation is not emulated, nor are stores that overtake one another, and after reset QEMU's
machine-check banks report without being told. So the disassembly is read, and the gdb stub sees who
calls what.
"""

from check import DESIGNS, Check, Failed, finish, under_gdb
from lib.constants import constants
from lib.elf import STT_FUNC, built_kernel
from vmeasure import hardening

WANTED = ("system-call index masked", "LFENCE beside SWAPGS")
ICR_MSR = 0x830         # x2APIC's interrupt command
SET_UP = ("mcheck_enable", "lfence_make_serializing", "fpu_enable", "lapic_enable")


def said() -> str:
    stub_size = constants()["ENTRY_STUB_SIZE"]
    line = hardening.line(built_kernel(), DESIGNS, stub_size)
    if lacking := [w for w in WANTED if w not in line]:
        raise Failed(f"the image lacks: {', '.join(lacking)}", [line])
    return line


def index_bound() -> str:
    """The number is compared with how many system calls there are, not with another."""
    count = constants()["SYSCALL_COUNT"]
    code = hardening.Code(built_kernel()).function("syscall_dispatch")
    bounds = [
        a.op_str.split(", ")[1] for a, b in zip(code, code[1:])
        if a.mnemonic == "mov" and b.mnemonic == "cmp"
    ]
    if [int(b, 0) for b in bounds] != [count]:
        raise Failed(
            f"the index is compared with {', '.join(bounds) or 'nothing'}, not with {count}")
    return f"below {count}"


def sends(code) -> list[tuple[int, bool]]:
    """(address, is it fenced?) of each write of the interrupt command register in a function's
    instructions."""
    found, command, fences = [], False, []
    for insn in code:
        if insn.mnemonic == "mov" and insn.op_str.startswith("ecx, "):
            command = insn.op_str == f"ecx, {ICR_MSR:#x}"
        if insn.mnemonic in ("mfence", "lfence"):
            fences.append(insn.mnemonic)
        if insn.mnemonic == "wrmsr" and command:
            found.append((insn.address, fences[-2:] == ["mfence", "lfence"]))
            fences = []
    return found


def fenced() -> str:
    """This WRMSR does not wait for the stores before it (SDM vol. 3A, 11.12.3). A second one
    may be there, of the way that xAPIC takes, which asks for the mode again at each register."""
    code = hardening.Code(built_kernel())
    names = sorted({
        s.name
        for s in code.kernel.symbols if s.type == STT_FUNC and s.size and "lapic" in s.name
    }
                   | {"send"} & set(code.kernel.by_name))
    found = [s for name in names for s in sends(code.function(name))]
    if not any(good for _, good in found):
        raise Failed(
            "an x2APIC interrupt command without MFENCE and LFENCE before it",
            [f"{address:#x}: {'fenced' if good else 'not fenced'}" for address, good in found])
    return f"{len(found)} writes of the command"


def each_cpu(function: str) -> Check:
    def run() -> None:
        elf = built_kernel()
        with under_gdb(DESIGNS[-1], "tests=kernel", f"each-cpu-{function}", cpus=2) as boot:
            for cpu in (0, 1):
                if boot.gdb.cpu_that_stopped(boot.gdb.run_to(elf.address(function))) != cpu:
                    raise Failed(f"CPU {cpu} does not call {function}()")
                boot.gdb.select(cpu)
                boot.gdb.step()
            finish(boot)
    return Check(f"hardening.each-cpu-{function}", run)


def checks() -> list[Check]:
    return [Check("hardening.image", said), Check("hardening.index-bound", index_bound),
            Check("hardening.x2apic-fenced", fenced), *(each_cpu(f) for f in SET_UP)]
