# SPDX-License-Identifier: MIT
"""What a CPU waits for, by the place where it spins: a lock's name, or what the function there
waits for."""
import capstone
from capstone import x86

from lib.elf import STT_OBJECT

# Functions whose loops wait for something else than a lock.
ANSWERS = {
    "shoot": "a shootdown's acknowledgement",
    "wait_for_steps": "the end of a reaping step",
    "flush": "a shootdown's acknowledgement",
    "tlb_flush_user_pages": "a shootdown's acknowledgement",
    "tlb_flush_private_page": "a shootdown's acknowledgement",
    "tlb_flush_kernel_half": "a shootdown's acknowledgement of the kernel half",
    "send": "the local APIC",
}
LOOP = 40       # bytes: what follows the PAUSE of a spin loop


def operand(insn):
    """The address of the 32-bit word that @insn looks at; None where it has a register in it, or is
    none."""
    for op in insn.operands:
        if op.type != x86.X86_OP_MEM or op.size != 4 or op.mem.segment:
            continue
        if op.mem.base == x86.X86_REG_RIP:
            return insn.address + insn.size + op.mem.disp
        return None if op.mem.base or op.mem.index else op.mem.disp & (1 << 64) - 1
    return None


def name_of(elf, address, symbol):
    """@symbol is the guest's own name of @address, function+offset."""
    function = symbol.partition("+")[0].partition(".")[0]
    if function in ANSWERS:
        return ANSWERS[function]
    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    engine.detail = True
    for insn in engine.disasm(elf.read(address, LOOP), address):
        at = operand(insn)
        for known in elf.symbols if at else ():
            if known.address <= at < known.address + max(known.size,
                                                         4) and known.type == STT_OBJECT:
                return f"{known.name}, in {function}()"
    return f"a lock of {function}()"
