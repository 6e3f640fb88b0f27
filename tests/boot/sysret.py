# SPDX-License-Identifier: MIT
"""sysret.py - which way out a system call takes: SYSRET, and IRETQ whenever SYSRET would be unsafe.

TCG never faults in ring 0 for what SYSRET_CHECK (entry/frame.inc) keeps away from SYSRET, so no
program can see a check that is missing.  Here the gdb stub edits the frame right before the check
and steps: the way taken is what is asserted.  Then each conditional jump of the check is blanked
in the guest's memory, one at a time, and one of the cases must notice.

A thread that was stopped (kernel/object/threadstop.c) may have anything in its frame: it must leave
by IRETQ whatever it holds, and the check is not to be asked.  With user_return() led to a system
call's way out, that is noticed.
"""
import struct

from check import DESIGNS, Check, Failed, finish, under_gdb
from lib.constants import constants
from lib.designs import Design
from lib.elf import Elf, built_kernel
from lib.gdb import GdbStub

SYSRET, IRET = "SYSRET", "IRETQ"
TF, RF = 1 << 8, 1 << 16
# (case, word of the frame, its new value from the old one, the only right way)
CASES = [
    ("untouched", "TF_RIP", lambda old: old, SYSRET),
    ("rip 2^47", "TF_RIP", lambda old: 0x0000800000000000, IRET),
    ("rip in the upper half", "TF_RIP", lambda old: 0xffff800000000000, IRET),
    ("rip with bit 47", "TF_RIP", lambda old: old | 1 << 47, IRET),
    ("rip with bit 63", "TF_RIP", lambda old: old | 1 << 63, IRET),
    ("TF set", "TF_RFLAGS", lambda old: old | TF, IRET),
    ("RF set", "TF_RFLAGS", lambda old: old | RF, IRET),
]
MAX_STEPS = 500
RESUMED = 6
MOV_RSP_RDI = b"\x48\x89\xfc"
NOP = b"\x90"


def jump_length(code: bytes) -> int:
    """Bytes of the conditional jump that @code begins with; 0 when it is another instruction."""
    return 2 if code[0] >> 4 == 7 else 6 if code[0] == 0x0f and code[1] >> 4 == 8 else 0


class Ways:
    """The way out of @design, watched through @gdb."""

    def __init__(self, gdb: GdbStub, elf: Elf, design: Design):
        self.gdb, self.elf, self.offsets = gdb, elf, constants()
        self.check = elf.address(f"{design.ident}_syscall_entry.check")
        self.ends = {elf.address(f"{design.ident}_syscall_entry.leave"): SYSRET,
                     elf.address(f"{design.ident}_idt_entry.restore"): IRET,
                     elf.address(f"{design.ident}_idt_entry.iret"): IRET}

    def steps(self) -> tuple[str, list[int]]:
        """From .check on: the way taken, and the address of each instruction up to its label."""
        path = []
        while len(path) < MAX_STEPS:
            rip, = self.gdb.read_registers(["rip"])
            if rip in self.ends:
                return self.ends[rip], path
            path.append(rip)
            self.gdb.step()
        raise Failed(f"{MAX_STEPS} steps after .check, and neither way out was reached")

    def take(self, word: str, change) -> tuple[str, list[int]]:
        """The next system call that comes to .check, with a @word of its frame changed until the
        way is known."""
        self.gdb.run_to(self.check)
        where = self.gdb.read_registers(["rsp"])[0] + self.offsets[word]
        old = self.gdb.read_word(where)
        self.gdb.write_word(where, change(old))
        taken = self.steps()
        # the frame is still to be popped: let the program go on unharmed
        if taken[0] == IRET:
            self.gdb.write_word(where, old)
        return taken

    def first_wrong(self) -> str:
        """The first case that takes the wrong way, "" when there is none.

        After each one comes an untouched frame: a check of some other register than that which
        holds the frame's RIP must not pass by what the handler happened to leave there.
        """
        for case, word, change, right in [c for case in CASES for c in (case, CASES[0])]:
            taken, _ = self.take(word, change)
            if taken != right:
                return f"{case}: leaves by {taken}, not {right}"
        return ""

    def jumps(self) -> list[tuple[int, int]]:
        """(address, bytes) of each conditional jump on the untouched way out."""
        _, path = self.take("TF_RIP", lambda old: old)
        found = [(rip, jump_length(self.elf.read(rip, 2))) for rip in path]
        return [(rip, length) for rip, length in found if length]


def good_kernel(design: Design, elf: Elf) -> list[tuple[int, int]]:
    """Every case, and the boot goes on to its normal end.  The jumps that made the difference."""
    with under_gdb(design, "bench=trace", "sysret") as boot:
        ways = Ways(boot.gdb, elf, design)
        if wrong := ways.first_wrong():
            raise Failed(wrong)
        jumps = ways.jumps()
        finish(boot)
    return jumps


def broken_kernel(design: Design, elf: Elf, jump: tuple[int, int]) -> None:
    """With that @jump blanked some case must take the wrong way."""
    address, length = jump
    with under_gdb(design, "bench=trace", "sysret-broken") as boot:
        ways = Ways(boot.gdb, elf, design)
        boot.gdb.run_to(ways.check)
        boot.gdb.write_memory(address, NOP * length)
        if not ways.first_wrong():
            raise Failed(
                f"the jump at {address:#x} ({elf.near(address)[0]}) is blanked, and no case notices"
            )


def ways_of_resumed(design: Design, elf: Elf, detour: bool) -> list[str]:
    """The ways out of the first threads that are stopped and resumed; with a @detour by a system
    call's way out."""
    with under_gdb(design, "tests=test_thread_stop",
                   "resumed-broken" if detour else "resumed") as boot:
        ways = Ways(boot.gdb, elf, design)
        found = []
        while len(found) < RESUMED:
            boot.gdb.run_to(elf.address("leave_resumed"))
            if detour and not found:
                lead_astray(boot.gdb, elf, design)
            found.append(ways.steps()[0])
        if not detour:
            finish(boot)
    return found


def last_jump(elf: Elf, at: int) -> tuple[int, int]:
    """(address, target) of the jump that a user_return() at @at ends with: after a MOV, or a MOV
    and a call."""
    if elf.read(at, len(MOV_RSP_RDI)) != MOV_RSP_RDI:
        raise Failed("user_return() does not begin with mov rsp, rdi")
    at += len(MOV_RSP_RDI)
    while elf.read(at, 1) == b"\xe8":
        at += 5
    length, shape = {b"\xe9": (5, "<i"), b"\xeb": (2, "<b")}[elf.read(at, 1)]
    return at, at + length + struct.unpack(shape, elf.read(at + 1, length - 1))[0]


def lead_astray(gdb: GdbStub, elf: Elf, design: Design) -> None:
    """user_return() goes on in the system call's way out and not in the interrupts', at the same
    step."""
    at, target = last_jump(elf, elf.address(f"{design.ident}_user_return"))
    steps = {
        elf.address(f"{design.ident}_idt_entry.{step}"): step
        for step in ("copy_out", "restore")
    }
    step = steps[target].replace("restore", "check")
    wrong = elf.address(f"{design.ident}_syscall_entry.{step}")
    gdb.write_memory(at, b"\xe9" + struct.pack("<i", wrong - (at + 5)))


def resumed_check(design: Design) -> Check:
    def run() -> str:
        elf = built_kernel()
        found = ways_of_resumed(design, elf, False)
        if set(found) != {IRET}:
            raise Failed(f"resumed threads leave by {', '.join(found)}")
        if SYSRET not in ways_of_resumed(design, elf, True):
            raise Failed("led astray, every resumed thread still leaves by IRETQ: nothing is seen")
        return f"{len(found)} resumed threads"
    return Check(f"{design.name}.sysret-resumed", run)


def sysret_check(design: Design) -> Check:
    def run() -> str:
        elf = built_kernel()
        jumps = good_kernel(design, elf)
        if not jumps:
            raise Failed("no conditional jump between .check and .leave")
        for jump in jumps:
            broken_kernel(design, elf, jump)
        return f"{len(CASES)} cases; each of {len(jumps)} jumps is missed when blanked"
    return Check(f"{design.name}.sysret", run)


def checks() -> list[Check]:
    return [sysret_check(d) for d in DESIGNS] + [resumed_check(d) for d in DESIGNS]
