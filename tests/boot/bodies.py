# SPDX-License-Identifier: MIT
"""bodies.py - what the C after each kind of entry finds, and what the interrupted code gets back.

The gdb stub stops the guest at a vector's stub, where the registers are still those of the
interrupted code, and again at the C body: there the frame must hold these registers, and table, GS,
stack and direction flag be the kernel's. Then the body is left out, as if it had returned at once
and spoilt what C may spoil (some never return by themselves), and the interrupted code must find
everything as it was. The entries are brought about from outside: NMIs and machine checks by QEMU's
monitor, the rest by what the booted test does.
"""

from check import DESIGNS, Check, Failed, under_gdb
from lib.areas import Areas
from lib.constants import constants, frame_words
from lib.designs import Design
from lib.elf import built_kernel
from lib.gdbboot import GdbBoot
from lib.processor import ERROR_CODE_VECTORS
from vmeasure.code_figures import splits_table
from vmeasure.stepper import GPRS

SAVED = [r for r in GPRS if r != "rsp"]
STATE = SAVED + ["rsp", "rip", "cs", "eflags", "cr3", "gs_base", "k_gs_base"]
SPOILT = ("rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")
JUNK = 0x5a5a5a5a5a5a5a5a
TRAP, DIRECTION = 1 << 8, 1 << 10
MOMENTS = ("in user mode", "at a system call's entry", "in the kernel")
MCE = "mce 0 9 0xbd00000000000000 0x5 0x1000 0x8c"
# check: [(event, program, vector, body)]
EVENTS = {
    "nmi": [(f"nmi {where}", "test_threads", "VECTOR_NMI", "ist_nmi") for where in MOMENTS],
    "machine-check":
    [(f"mce {where}", "test_threads", "VECTOR_MC", "ist_machine_check") for where in MOMENTS],
    "debug": [(f"debug {where}", "test_threads", "VECTOR_DB", "ist_debug") for where in MOMENTS],
    "double-fault": [("double fault", "test_threads", "VECTOR_DF", "ist_double_fault")],
    "exception": [("fault of a user copy", "test_abuse_pointers", "VECTOR_PF", "kernel_exception"),
                  ("IRETQ fault", "test_threads", "VECTOR_GP", "kernel_exception")],
    "timer": [("timer", "test_threads", "VECTOR_TIMER", "idt_dispatch")],
}


class Event:
    """One kind of entry, in one boot of @design."""

    def __init__(self, boot: GdbBoot, design: Design, name: str, vector: int):
        self.gdb, self.design, self.name, self.vector = boot.gdb, design, name, vector
        self.elf = built_kernel()
        self.at = frame_words()
        self.areas = Areas(constants(), self.elf)
        size = constants()["ENTRY_STUB_SIZE"]
        self.stub = self.elf.address(design.ident + "_stubs") + vector * size
        self.kernel_gs = 0

    def expect(self, good: bool, why: str) -> None:
        if not good:
            raise Failed(f"{self.name}: {why}")

    def go_to_moment(self) -> None:
        """From the kernel's dispatcher to the one of MOMENTS that the event's name ends with."""
        if not self.name.endswith("in the kernel"):
            self.gdb.run_to(self.elf.address(f"{self.design.ident}_syscall_entry"))
        if self.name.endswith("in user mode"):
            self.gdb.run_to(self.gdb.read_registers(["rcx"])[0])

    def provoke(self) -> None:
        """Bring it about, and stop at the stub."""
        gdb = self.gdb
        gdb.run_to(self.elf.address("syscall_dispatch"))
        self.kernel_gs, = gdb.read_registers(["gs_base"])
        if self.name.endswith(MOMENTS):
            self.go_to_moment()
            if self.name.startswith("debug"):
                gdb.write_register("eflags", gdb.read_registers(["eflags"])[0] | TRAP)
            else:
                gdb.monitor("nmi" if self.name.startswith("nmi") else MCE)
        elif self.name == "double fault":
            # no stack: not even the page fault's frame can be pushed
            gdb.write_register("rsp", 0x1008)
        elif self.name.startswith("IRETQ"):
            gdb.run_to(self.elf.address(f"{self.design.ident}_idt_entry.iret"))
            gdb.write_word(gdb.read_registers(["rsp"])[0] + 8, 0x7f8 | 3)     # no such selector
        gdb.run_to(self.stub)
        while self.name == "fault of a user copy" and gdb.read_word(
                gdb.read_registers(["rsp"])[0] + 16) & 3:
            gdb.step()
            gdb.run_to(self.stub)

    def state(self) -> dict[str, int]:
        return dict(zip(STATE, self.gdb.read_registers(STATE)))

    def check_body(self, body: str, before: dict[str, int]) -> None:
        """At the C function @body, which was reached from a stub with the registers @before."""
        now, at = self.state(), self.at
        frame = now["rdi"]
        for name in SAVED:
            found = self.gdb.read_word(frame + at[name])
            self.expect(found == before[name],
                        f"{name} is {found:#x} in the frame, not {before[name]:#x}")
        self.expect(
            self.gdb.read_word(frame + at["vector"]) == self.vector,
            "the frame names another vector")
        area = self.areas.of_stack_pointer(now["rsp"] + 8)
        self.expect(area is not None and area[0] == "kernel_stack",
                    f"{body}() runs on another stack: {area}")
        self.expect((now["rsp"] + 8) % 16 == 0, "the stack is not aligned for C")
        self.expect(now["gs_base"] == self.kernel_gs, "GS is not the kernel's")
        self.expect(not now["eflags"] & DIRECTION, "the direction flag is set in C")
        if splits_table(self.elf, self.design):
            self.expect(not now["cr3"] & 0x1000, "the table is the user's")
        if body != "idt_dispatch":
            self.expect(now["rsi"] == before["cr3"], "the CR3 handed over is not the one found")

    def leave_out_body(self) -> None:
        """From the first instruction of the C body to after its call."""
        rsp, = self.gdb.read_registers(["rsp"])
        self.gdb.write_register("rip", self.gdb.read_word(rsp))
        self.gdb.write_register("rsp", rsp + 8)
        for name in SPOILT:
            self.gdb.write_register(name, JUNK)
        self.gdb.write_register("rax", JUNK & ~0xff)    # AL of an IST body: 0, the way out is IRETQ

    def check_return(self, where: tuple[int, int], before: dict[str, int], flags: int) -> None:
        """Back at the interrupted code, @where = (rip, rsp)."""
        while True:
            self.gdb.run_to(where[0])
            now = self.state()
            if now["rsp"] == where[1]:
                break
            self.gdb.step()
        for name in SAVED + ["cr3", "gs_base", "k_gs_base"]:
            self.expect(now[name] == before[name],
                        f"{name} comes back as {now[name]:#x}, not {before[name]:#x}")
        self.expect((now["eflags"] ^ flags) & DIRECTION == 0,
                    "the direction flag does not come back")


def follow(boot: GdbBoot, design: Design, event: tuple, vector: int) -> None:
    name, _, _, body = event
    entry = Event(boot, design, name, vector)
    entry.provoke()
    before = entry.state()
    head = before["rsp"] + (8 if vector in ERROR_CODE_VECTORS else 0)
    rip, flags, rsp = (boot.gdb.read_word(head + i) for i in (0, 16, 24))
    # as if the interrupted code had set it
    boot.gdb.write_register("eflags", before["eflags"] | DIRECTION)
    boot.gdb.run_to(entry.elf.address(body))
    entry.check_body(body, before)
    if body != "idt_dispatch":      # after that one another thread may run first
        entry.leave_out_body()
        entry.check_return((rip, rsp), before, flags)


def body_check(design: Design, check: str) -> Check:
    def run() -> None:
        for event in EVENTS[check]:
            with under_gdb(design, f"tests={event[1]}", f"body-{check}") as boot:
                follow(boot, design, event, constants()[event[2]])
    return Check(f"{design.name}.body-{check}", run)


def checks() -> list[Check]:
    return [body_check(d, check) for d in DESIGNS for check in EVENTS]
