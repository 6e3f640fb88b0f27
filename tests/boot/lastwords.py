# SPDX-License-Identifier: MIT
"""lastwords.py - a panic waits for nobody's lock, and a boot that went wrong never ends with the code of a pass.

Through the gdb stub: locks are taken behind the kernel's back, a kernel test is made to fail, the first process is
made to end.
"""
import re

from bodies import frame_words
from check import BUILD, DESIGNS, KERNEL, Check, Failed, Outcome, expect, under_gdb
from vmeasure.image import Elf

LAST = DESIGNS[-1]
LOCKS = ("console_lock", "frame_lock", "stacks_lock", "process_lock", "budget_lock", "dead_lock", "kspace_lock")
RETURN_FALSE = bytes.fromhex("31c0c3")      # xor eax, eax; ret


def ended(boot) -> Outcome:
    """How the boot ends, from where it stands."""
    boot.gdb.resume_or_end()
    return Outcome(boot.status(), boot.log, 0)


def locks_held() -> str:
    elf = Elf(KERNEL)
    with under_gdb(LAST, "inject=panic", "locks-held") as boot:
        boot.gdb.run_to(elf.address("panic"))
        for name in LOCKS:
            boot.gdb.write_memory(elf.address(name), (1).to_bytes(4, "little"))
        expect(ended(boot), "panic", r"^PANIC", r"(?i)last step", r"(?i)backtrace")
    return f"{len(LOCKS)} locks"


def kernel_test_fails() -> None:
    elf = Elf(KERNEL)
    with under_gdb(LAST, "tests=kernel", "kernel-test-fails") as boot:
        boot.gdb.run_to(elf.address("boot_thread"))
        boot.gdb.write_memory(elf.address("ktest_run_all"), RETURN_FALSE)
        expect(ended(boot), "fail")


def init_ends() -> None:
    """Its first system call becomes exit(0)."""
    elf = Elf(KERNEL)
    number = int(re.search(r"SYS_exit\s+(\d+)", (BUILD / "gen" / "syscalls.h").read_text())[1])
    with under_gdb(LAST, "tests=test_map", "init-ends") as boot:
        boot.gdb.run_to(elf.address("syscall_dispatch"))
        frame, words = boot.gdb.read_registers(["rdi"])[0], frame_words()
        for word, value in (("rax", number), ("rdi", 0)):
            boot.gdb.write_word(frame + words[word], value)
        expect(ended(boot), "fail", r"^init ended")


def checks() -> list[Check]:
    return [Check("lastwords.locks-held", locks_held), Check("lastwords.kernel-test-fails", kernel_test_fails),
            Check("lastwords.init-ends", init_ends)]
