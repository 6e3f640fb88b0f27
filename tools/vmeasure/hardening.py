# SPDX-License-Identifier: MIT
"""Which hardening an image has, as its instructions say: one line for the comparison's foot.

system-call index masked   in syscall_dispatch() the index that the table is read with is a
constant, or
                           what a CMOVA right after the CMP put in its place: no branch is there
                           that could be mispredicted.
LFENCE beside SWAPGS       on both ways of every branch around a SWAPGS an LFENCE comes first, or a
                           CR3 write, IRETQ or SYSRET, before anything that this cannot follow.
retpolines                 no function holds a plain indirect jump or call.
register clearing          the way in zeroes all that C might keep, before it calls C.
"""
from capstone import x86
import capstone

from lib.designs import kinds
from lib.elf import STT_FUNC

from .entrytext import EntryText, target_of
from .events import FULL

MOST_STEPS = 1000       # instructions followed from a branch
STOPS = ("lfence", "iretq", "sysret", "sysretq")
KEPT_BY_C = {"rbx", "rbp", "r12", "r13", "r14", "r15"}


class Code:
    """Instructions of @kernel (Elf), decoded where they are asked for."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self.engine.detail = True

    def at(self, address):
        return next(self.engine.disasm(self.kernel.read(address, 15), address, 1), None)

    def function(self, name):
        symbol = self.kernel.by_name[name]
        code = self.kernel.read(symbol.address, symbol.size)
        return list(self.engine.disasm(code, symbol.address))


def is_indirect(insn):
    return insn.mnemonic in ("jmp", "call") and insn.operands[0].type != x86.X86_OP_IMM


def is_cr3_write(insn):
    return insn.mnemonic == "mov" and insn.op_str.startswith("cr3,")


def registers(insn):
    """64-bit names of the general registers that @insn writes."""
    return {FULL[n] for n in map(insn.reg_name, insn.regs_access()[1]) if n in FULL}


def used_in_memory(insn):
    """64-bit names of the registers that the memory operand of @insn is addressed with."""
    numbers = [r for op in insn.operands if op.type == x86.X86_OP_MEM
               for r in (op.mem.base, op.mem.index)]
    return {FULL[n] for n in map(insn.reg_name, filter(None, numbers)) if n in FULL}


def is_masked(instructions):
    """Does every indirect branch of @instructions go through an index that is a constant, or
    by a CMOVA what is below it?"""
    constants, safe, branches, compared = set(), set(), [], ""
    for insn in instructions:
        names = [FULL.get(insn.reg_name(op.reg)) for op in insn.operands
                 if op.type == x86.X86_OP_REG]
        if is_indirect(insn):
            branches.append(bool(safe & (used_in_memory(insn) | set(names))))
        good = insn.mnemonic == "cmova" and insn.op_str == compared
        good = good or (insn.mnemonic == "mov" and used_in_memory(insn) & safe)
        compared = insn.op_str if insn.mnemonic == "cmp" and constants & set(names[:1]) else ""
        constants, safe = constants - registers(insn), safe - registers(insn)
        if insn.mnemonic == "mov" and insn.operands[-1].type == x86.X86_OP_IMM:
            constants |= set(names[:1])
        safe |= set(names[:1]) if good else set()
    return bool(branches) and all(branches)


def is_stopped(code, start):
    """Do all ways on from @start come to one of STOPS, or a CR3 write?  Calls are gone into."""
    todo, seen = [start], set()
    while todo:
        at = todo.pop()
        while at not in seen:
            seen.add(at)
            insn = code.at(at)
            if insn is None or len(seen) > MOST_STEPS:
                return False
            if insn.mnemonic == "ret" or is_indirect(insn):
                return False
            if insn.mnemonic in STOPS or is_cr3_write(insn):
                break
            target = target_of(insn)
            if target is not None and insn.mnemonic[0] == "j" and insn.mnemonic != "jmp":
                todo.append(target)
                target = None
            at = target or at + insn.size
    return True


def open_branches(code, text):
    """Addresses of branches around a SWAPGS in @text (EntryText) that nothing stops on some way."""
    kinds = {i.address: i.text.split()[0] for i in text.instructions}
    found = []
    for i in text.instructions:
        if kinds[i.address][0] != "j" or kinds[i.address] == "jmp":
            continue
        ways = (target_of(code.at(i.address)), i.address + len(i.data))
        if "swapgs" in map(kinds.get, ways) and not all(is_stopped(code, w) for w in ways):
            found.append(i.address)
    return found


def clears(code, text):
    """Is all that C keeps zero when the system call's way in calls C?"""
    zero = set()
    for address in (i.address for i in text.instructions if i.path == "syscall_entry"):
        insn = code.at(address)
        if insn.mnemonic == "call":
            break
        zero -= registers(insn)
        if insn.mnemonic == "xor" and len(set(insn.op_str.split(", "))) == 1:
            zero |= registers(insn)
    return zero >= KEPT_BY_C


def has_retpolines(code):
    names = {s.name for s in code.kernel.symbols if s.type == STT_FUNC and s.size}
    return not any(is_indirect(i) for name in sorted(names) for i in code.function(name))


def unfenced(code, designs, texts, stub_size):
    """Names of the designs where open_branches() finds one, in their own text or their kind's."""
    found = {name for name, text in texts.items() if open_branches(code, text)}
    for ident, same in kinds(designs).items():
        if open_branches(code, EntryText(code.kernel, ident, stub_size)):
            found |= {d.name for d in same}
    return [name for name in texts if name in found]


def line(kernel, designs, stub_size):
    """What is on; what is not, with the designs' names where others have it."""
    code = Code(kernel)
    texts = {d.name: EntryText(kernel, d.ident, stub_size) for d in designs}
    none, every = [], list(texts)
    lacking = {     # (what it is called where it is on, and where it is not): who lacks it
        ("system-call index masked", "no masking of the system-call index"):
            none if is_masked(code.function("syscall_dispatch")) else every,
        ("LFENCE beside SWAPGS", "no LFENCE beside SWAPGS"):
            unfenced(code, designs, texts, stub_size),
        ("retpolines", "no retpolines"): none if has_retpolines(code) else every,
        ("register clearing", "no register clearing"):
            [name for name, text in texts.items() if not clears(code, text)],
    }
    on = [yes for (yes, _), names in lacking.items() if not names]
    off = [no if names == every else "%s (%s)" % (no, " ".join(names))
           for (_, no), names in lacking.items() if names]
    return "; ".join(filter(None, (", ".join(on), ", ".join(off))))
