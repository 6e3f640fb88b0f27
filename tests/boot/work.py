# SPDX-License-Identifier: MIT
"""work.py - on the way out the word for pending work decides, and nothing else, whether
exit_work() is called.

Whether a program notices depends on the flags that the dispatcher's C happens to leave. So the gdb
stub stops the guest where the dispatcher has returned, writes the word, sets the zero flag against
it, and steps. Both of them, dispatcher and exit_work(), must run on a kernel stack.
"""

from check import DESIGNS, Check, Failed, finish, under_gdb
from lib.areas import Areas
from lib.constants import constants
from lib.designs import Design
from lib.elf import Elf, built_kernel
from lib.gdbboot import GdbBoot

WORK_RESCHED, ZERO_FLAG = 1, 1 << 6
MAX_STEPS = 500
# (the word, the zero flag); twice, so that what one leaves behind is seen by another
CASES = [(WORK_RESCHED, ZERO_FLAG), (0, 0), (WORK_RESCHED, 0), (0, ZERO_FLAG)] * 2


def expect_kernel_stack(boot: GdbBoot, elf: Elf, where: str) -> None:
    """The C at @where must not leave data on a stack that a program's table shows."""
    area = Areas(constants(), elf).of_stack_pointer(boot.gdb.read_registers(["rsp"])[0] + 8)
    if area is None or area[0] != "kernel_stack":
        raise Failed(f"{where}() runs on {area[0] if area else 'no stack'}")


def return_address(boot: GdbBoot, elf: Elf, dispatcher: str, at: dict[str, int]) -> int:
    """Run to where the @dispatcher, called for user mode, returns to."""
    while True:
        boot.gdb.run_to(elf.address(dispatcher))
        rsp, frame = boot.gdb.read_registers(["rsp", "rdi"])
        if boot.gdb.read_word(frame + at["TF_CS"]) & 3:
            expect_kernel_stack(boot, elf, dispatcher)
            return boot.gdb.read_word(rsp)
        boot.gdb.step()


def works(boot: GdbBoot, elf: Elf, dispatcher: str, word: int, zero: int) -> bool:
    """Is exit_work() called before user mode is reached?"""
    gdb, at = boot.gdb, constants()
    gdb.run_to(return_address(boot, elf, dispatcher, at))
    gs_base, eflags = gdb.read_registers(["gs_base", "eflags"])
    gdb.write_memory(gs_base + at["PERCPU_WORK"], word.to_bytes(4, "little"))
    gdb.write_register("eflags", eflags & ~ZERO_FLAG | zero)
    for _ in range(MAX_STEPS):
        rip, cs = gdb.read_registers(["rip", "cs"])
        if cs & 3:
            return False
        if rip == elf.address("exit_work"):
            expect_kernel_stack(boot, elf, "exit_work")
            return True
        gdb.step()
    raise Failed(f"{MAX_STEPS} steps after {dispatcher}(), and neither exit_work() nor user mode "
                 "was reached")


def work_check(design: Design) -> Check:
    def run() -> str:
        elf = built_kernel()
        with under_gdb(design, "bench=trace", "work") as boot:
            for dispatcher in ("syscall_dispatch", "idt_dispatch"):
                for word, zero in CASES:
                    if works(boot, elf, dispatcher, word, zero) != bool(word):
                        raise Failed(f"after {dispatcher}(), work {word}, zero flag {zero >> 6}: "
                                     f"exit_work() is {'not ' if word else ''}called")
            finish(boot)
        return f"{2 * len(CASES)} ways out"
    return Check(f"{design.name}.work", run)


def checks() -> list[Check]:
    return [work_check(d) for d in DESIGNS]
