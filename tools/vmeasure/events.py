# SPDX-License-Identifier: MIT
"""Count events in a trace; the rules stand in docs/measuring.md.

How each figure is obtained:

instructions        every step of the trace; each iteration of a REP counts, as under icount.
kernel_instructions those executed at CPL 0; SYSRET and IRETQ start at CPL 0 and are in.
cr3_writes          MOV to CR3.
stack_switches      RSP before a step lies in one area, after it in another.  Values of RSP that
                    are no stack are skipped: a path may park a CR3 word in RSP.
stack_bytes_stored  bytes that CPL 0 stores into each kernel-side stack area: PUSH, CALL, MOV and
                    other memory destinations, REP STOS/MOVS, with the addresses that the registers
                    of that very step give.  The frame that the CPU pushes executes no instruction:
                    it is added by rule, 40 bytes, 48 where the vector has an error code.
bytes_copied        words that entry text at CPL 0 loads from one kernel-side stack area and stores,
                    unchanged, to another.  "Unchanged" follows the word through registers (MOV,
                    XCHG, POP, PUSH) until an instruction overwrites the register or user mode is
                    reached; PUSH [mem], POP [mem] and MOVS move it at once.  Entry text is the
                    design's own piece and its kind's: a handler's locals and results are no
                    frame copies.
before_flip         instructions at CPL 0 before the first MOV to CR3; None without one.
iretq, sysret, swapgs, wrmsr, invlpg, xsave_xrstor   by mnemonic, at CPL 0.
ipis                writes to the ICR: the local APIC's register 0x300 in the MMIO area, or x2APIC's
                    MSR 0x830.
"""
from collections import Counter

from capstone import x86
import capstone

from lib.areas import USER
from lib.processor import ERROR_CODE_VECTORS

from .stepper import cpl

LAPIC_ICR, X2APIC_ICR = 0x300, 0x830
BY_MNEMONIC = {"iretq": "iretq", "sysret": "sysret", "sysretq": "sysret", "swapgs": "swapgs",
               "wrmsr": "wrmsr", "invlpg": "invlpg"}
STATE_MNEMONICS = ("xsave", "xrstor", "fxsave", "fxrstor")
COUNTED = ("instructions", "kernel_instructions", "cr3_writes", "stack_switches", "bytes_copied",
           "iretq", "sysret", "swapgs", "wrmsr", "invlpg", "xsave_xrstor", "ipis")
# Read their memory operand and write none, whatever a decoder's table says.
READS_ONLY = frozenset(("cmp", "test", "bt", "push", "call", "jmp", "invlpg", "lgdt", "lidt",
                        "ltr", "lldt", "fxrstor", "fxrstor64", "xrstor", "xrstor64", "nop",
                        "lea", "prefetcht0", "prefetchnta", "ldmxcsr", "verr", "verw", "lmsw"))


class Decoder:
    """Capstone instructions by their bytes and address, kept: a path is decoded once."""

    def __init__(self):
        self.engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self.engine.detail = True
        self.known = {}

    def __call__(self, step):
        key = (step.rip, step.code)
        if key not in self.known:
            found = next(self.engine.disasm(step.code, step.rip, 1), None)
            if found is None:
                raise ValueError("cannot decode %s at %#x" % (step.code.hex(), step.rip))
            self.known[key] = found
        return self.known[key]


# 64-bit register that holds a capstone register, e.g. eax -> rax.
def _full_names():
    full = {}
    for r in ("a", "b", "c", "d"):
        full.update({n: "r%sx" % r for n in ("r%sx" % r, "e%sx" % r, "%sx" % r, r + "l", r + "h")})
    for r in ("si", "di", "bp", "sp"):
        full.update({n: "r" + r for n in ("r" + r, "e" + r, r, r + "l")})
    for i in range(8, 16):
        full.update({"r%d%s" % (i, s): "r%d" % i for s in ("", "d", "w", "b")})
    return full


FULL = _full_names()


def effective_address(insn, op, step):
    """Address of memory operand @op with the registers of @step."""
    def reg(number):
        if not number:
            return 0
        name = insn.reg_name(number)
        if name == "rip":
            return step.rip + insn.size
        return getattr(step, FULL[name])
    mem = op.mem
    base = {"gs": step.gs_base, "fs": step.fs_base}.get(insn.reg_name(mem.segment), 0) \
        if mem.segment else 0
    return (base + reg(mem.base) + reg(mem.index) * mem.scale + mem.disp) & (1 << 64) - 1


def memory_accesses(insn, step):
    """([(address, bytes)] loaded, the same stored) by the instruction, implicit stack included."""
    loads, stores = [], []
    mnemonic = insn.mnemonic.split()[-1]
    if insn.prefix[0] in (0xf2, 0xf3) and step.rcx == 0 and \
            mnemonic[:4] in ("stos", "movs", "lods", "cmps", "scas"):
        return loads, stores            # the step that finds a REP finished
    for position, op in enumerate(insn.operands):
        if op.type != x86.X86_OP_MEM or mnemonic in ("lea", "nop", "invlpg"):
            continue
        place = (effective_address(insn, op, step), op.size)
        writes = mnemonic not in READS_ONLY and (
            op.access & capstone.CS_AC_WRITE or
            (position == 0 and (mnemonic.startswith("mov") or mnemonic == "pop")))
        if writes:
            stores.append(place)
        if not writes or op.access & capstone.CS_AC_READ:
            loads.append(place)
    if mnemonic in ("push", "call", "pushfq"):
        stores.append(((step.rsp - 8) & (1 << 64) - 1, 8))
    elif mnemonic in ("pop", "ret", "popfq"):
        loads.append((step.rsp, 8))
    return loads, stores


class Copies:
    """Follows words from one stack area to another; see bytes_copied above."""

    def __init__(self, area_of):
        self.area_of = area_of
        self.held = {}              # register -> area that its unchanged word was loaded from
        self.pairs = Counter()      # (from, to) -> bytes

    def _kernel_area(self, place):
        area = self.area_of(place[0])
        return None if area == USER else area

    def step(self, insn, loads, stores, in_entry_text):
        """Account for one CPL-0 instruction."""
        mnemonic = insn.mnemonic.split()[-1]
        ops = insn.operands
        names = [insn.reg_name(o.reg) if o.type == x86.X86_OP_REG else None for o in ops]
        if mnemonic == "xchg" and all(n in FULL and n == FULL[n] for n in names):
            a, b = names
            self.held[a], self.held[b] = self.held.get(b), self.held.get(a)
            return
        moves = mnemonic in ("mov", "push", "pop") or mnemonic in ("movsq", "movsd", "movsb")
        source = None
        if moves and loads:
            source = self._kernel_area(loads[0]) if in_entry_text else None
        elif moves and names and names[-1] in FULL and FULL[names[-1]] == names[-1]:
            source = self.held.get(names[-1])
        if moves and stores and source and in_entry_text:
            target = self._kernel_area(stores[0])
            if target and target != source:
                self.pairs[source, target] += stores[0][1]
        for number in insn.regs_access()[1]:
            self.held.pop(FULL.get(insn.reg_name(number)), None)
        if moves and not stores and names and names[0] in FULL and FULL[names[0]] == names[0]:
            self.held[names[0]] = source


class EventCounter:
    """Counts one trace. @areas: Areas; @entry_text: [(start, end)]; @stubs: address of vector
    0's."""

    def __init__(self, areas, entry_text, stubs, stub_size, layout):
        self.areas, self.entry_text = areas, entry_text
        self.stubs, self.stub_size = stubs, stub_size
        self.mmio = (layout["MMIO_AREA_BASE"], layout["CPU_ENTRY_AREA_BASE"])
        self.decode = Decoder()

    def vector_of(self, rip):
        """Vector whose stub starts at @rip, or None."""
        at = rip - self.stubs
        return at // self.stub_size if 0 <= at < 256 * self.stub_size and \
            at % self.stub_size == 0 else None

    def stack_after(self, step, roots):
        """Area of RSP at @step; None for a value that is no stack."""
        if cpl(step) == 0 and step.rsp & ~0x8000000000001fff in roots:
            return None         # a CR3 word parked in RSP
        return self.areas.of_stack_pointer(step.rsp)

    def count(self, trace):
        """{metric: number}; stack_bytes_stored.<kind> and bytes_copied.<kind>_to_<kind> besides."""
        total = Counter({name: 0 for name in COUNTED})
        stored, copies = Counter(), Copies(self.areas.of)
        roots = {s.cr3 & ~0x8000000000001fff for s in trace.steps}
        before_flip = None
        area = USER if trace.entered == 3 else None
        previous = None
        for step in trace.steps:
            entered = self._hardware_entry(trace, previous, step)
            if entered is not None:
                stored[self.stack_after(step, roots)] += \
                    48 if entered in ERROR_CODE_VECTORS else 40
            now = self.stack_after(step, roots)
            if now and area and now != area:
                total["stack_switches"] += 1
            area = now or area
            total["instructions"] += 1
            if cpl(step) == 3:
                copies.held.clear()
            else:
                insn = self.decode(step)
                self._kernel_step(step, insn, total, stored, copies)
                if before_flip is None and total["cr3_writes"]:
                    before_flip = total["kernel_instructions"] - 1
            previous = step
        # The return to user mode is the step after the last one.
        if previous and cpl(previous) == 0 and trace.entered == 3 and area != USER:
            total["stack_switches"] += 1
        total["bytes_copied"] = sum(copies.pairs.values())
        result = dict(total)
        result["before_flip"] = before_flip
        for kind, size in by_kind(stored).items():
            result["stack_bytes_stored." + kind] = size
        for (a, b), size in sorted(copies.pairs.items()):
            name = "bytes_copied.%s_to_%s" % (a[0], b[0])
            result[name] = result.get(name, 0) + size
        return result

    def _hardware_entry(self, trace, previous, step):
        """Vector of the frame the CPU pushed right before @step, or None."""
        vector = self.vector_of(step.rip)
        if vector is None or cpl(step):
            return None
        if previous is None:
            return vector if trace.entered is not None else None
        came_from_stub = cpl(previous) == 0 and \
            0 <= previous.rip - self.stubs < 256 * self.stub_size
        return None if came_from_stub else vector

    def _kernel_step(self, step, insn, total, stored, copies):
        mnemonic = insn.mnemonic.split()[-1]
        total["kernel_instructions"] += 1
        if mnemonic in BY_MNEMONIC:
            total[BY_MNEMONIC[mnemonic]] += 1
        elif mnemonic.startswith(STATE_MNEMONICS):
            total["xsave_xrstor"] += 1
        elif mnemonic == "mov" and insn.op_str.startswith("cr3,"):
            total["cr3_writes"] += 1
        if mnemonic == "wrmsr" and step.rcx & 0xffffffff == X2APIC_ICR:
            total["ipis"] += 1
        loads, stores = memory_accesses(insn, step)
        for address, size in stores:
            area = self.areas.of(address)
            if area and area != USER:
                stored[area] += size
            elif self.mmio[0] <= address < self.mmio[1] and address & 0xfff == LAPIC_ICR:
                total["ipis"] += 1
        in_entry = any(a <= step.rip < b for a, b in self.entry_text)
        copies.step(insn, loads, stores, in_entry)


def by_kind(stored):
    """Bytes per kind of stack, all stacks of a kind together."""
    kinds = Counter()
    for area, size in stored.items():
        if area:
            kinds[area[0]] += size
    return dict(sorted(kinds.items()))
