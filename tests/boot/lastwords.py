# SPDX-License-Identifier: MIT
"""lastwords.py - a panic waits for nobody's lock, and a boot that went wrong never ends with the
code of a pass.

Through the gdb stub: locks are taken behind the kernel's back, a kernel test is made to fail, the
first process is made to end.
"""

from check import DESIGNS, Check, Failed, Outcome, expect, under_gdb
from lib.constants import constants, frame_words
from lib.elf import built_kernel

LAST = DESIGNS[-1]
LOCKS = ("console_lock", "frame_lock", "process_lock", "budget_lock", "dead_lock", "kspace_lock")
POOLS = ("kstacks", "trampolines")      # struct slot_pool, which has its lock in it
FLAG_IF = 1 << 9
RETURN_FALSE = bytes.fromhex("31c0c3")      # xor eax, eax; ret


def ended(boot) -> Outcome:
    """How the boot ends, from where it stands."""
    boot.gdb.resume_or_end()
    return Outcome(boot.status(), boot.log, 0)


def locks_held() -> str:
    elf = built_kernel()
    locks = [elf.address(name) for name in LOCKS]
    locks += [elf.address(name) + constants()["SLOT_POOL_LOCK"] for name in POOLS]
    with under_gdb(LAST, "inject=panic", "locks-held") as boot:
        boot.gdb.run_to(elf.address("panic"))
        for lock in locks:
            boot.gdb.write_memory(lock, (1).to_bytes(4, "little"))
        expect(ended(boot), "panic", r"^PANIC", r"(?i)last step", r"(?i)backtrace")
    return f"{len(locks)} locks"


def interrupts_off() -> None:
    """A panic where they were on: none comes in between, wherever the message has got to."""
    elf = built_kernel()
    with under_gdb(LAST, "inject=panic", "interrupts-off") as boot:
        boot.gdb.run_to(elf.address("panic"))
        boot.gdb.write_register("eflags", boot.gdb.read_registers(["eflags"])[0] | FLAG_IF)
        for place in ("vsnprintk", "smp_stop_others", "console_fresh_line", "machine_exit"):
            boot.gdb.run_to(elf.address(place))
            if boot.gdb.read_registers(["eflags"])[0] & FLAG_IF:
                raise Failed(f"interrupts are on at {place}() in a panic")


def kernel_test_fails() -> None:
    elf = built_kernel()
    with under_gdb(LAST, "tests=kernel", "kernel-test-fails") as boot:
        boot.gdb.run_to(elf.address("boot_thread"))
        boot.gdb.write_memory(elf.address("ktest_run_all"), RETURN_FALSE)
        expect(ended(boot), "fail")


def first_call(name: str, argument: int, verdict: str, *patterns: str) -> None:
    """The first process's first system call becomes another one."""
    elf = built_kernel()
    number = constants()[f"SYS_{name}"]
    with under_gdb(LAST, "tests=test_map", f"first-call-{name}-{argument}") as boot:
        boot.gdb.run_to(elf.address("syscall_dispatch"))
        frame, words = boot.gdb.read_registers(["rdi"])[0], frame_words()
        for word, value in (("rax", number), ("rdi", argument)):
            boot.gdb.write_word(frame + words[word], value)
        expect(ended(boot), verdict, *patterns)


def init_ends() -> None:
    first_call("exit", 0, "fail", r"^init ended")


def no_code() -> None:
    """shutdown() with what is no code is refused, and the boot goes on; with the last one it ends
    so."""
    codes = constants()
    for beyond in (codes["EXIT_PASS"] - 1, codes["EXIT_USAGE"] + 1, 0):
        first_call("shutdown", beyond, "pass", r"^ok 1 - test_map")
    first_call("shutdown", codes["EXIT_USAGE"], "usage")


def checks() -> list[Check]:
    return [
        Check("lastwords.locks-held", locks_held),
        Check("lastwords.interrupts-off", interrupts_off),
        Check("lastwords.kernel-test-fails", kernel_test_fails),
        Check("lastwords.init-ends", init_ends),
        Check("lastwords.no-code", no_code)
    ]
