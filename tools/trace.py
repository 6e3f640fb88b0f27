#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""trace.py - print one real entry, instruction by instruction.

    trace.py --entry DESIGN --event syscall|irq|fault [--build DIR] [--json FILE]

Columns: where (symbol, or symbol.step, and offset), the instruction, which half of the pair CR3
names, whose GS, on which stack RSP lies, IF.  The iterations of a REP share one line.  Below the
table: totals per step, a step being a local label of the entry assembly.
"""
import argparse
import itertools
import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVENTS = {"syscall": "syscall_null", "irq": "irq_user", "fault": "page_fault"}


def arguments():
    """The command line; --build must reach the environment before tools/qemu.py is imported."""
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--entry", default=os.environ.get("ENTRY"), help="entry design")
    p.add_argument("--event", default=os.environ.get("EVENT") or "syscall",
                   help=", ".join(EVENTS) + ", or an operation of bench=trace")
    p.add_argument("--build", default=os.environ.get("BUILD") or str(ROOT / "build"))
    p.add_argument("--json", help="write the rows there as well")
    args = p.parse_args()
    args.build = str(Path(args.build).resolve())
    os.environ["BUILD"] = args.build
    return args


def text_of(insn, elf):
    """The instruction as text; the target of a direct jump or call by name."""
    target = insn.op_str
    if insn.mnemonic[0] == "j" or insn.mnemonic == "call":
        if target.startswith("0x"):
            name, offset = elf.near(int(target, 16))
            target = "%s+%d" % (name, offset) if offset else name or target
    return ("%s %s" % (insn.mnemonic, target)).strip()


def rows_of(trace, subject, counter):
    """One dict per executed instruction of @trace."""
    roots = {s.cr3 & ~0x8000000000001fff for s in trace.steps}
    split = any(s.cr3 & 0x1000 for s in trace.steps)
    rows = []
    for s in trace.steps:
        insn = counter.decode(s)
        user = s.cs & 3 == 3
        name, offset = (subject.program if user else subject.kernel).near(s.rip)
        area = counter.stack_after(s, roots)
        rows.append({
            "rip": s.rip, "step": name or "?", "offset": offset, "cpl": s.cs & 3,
            "text": text_of(insn, subject.program if user else subject.kernel),
            "cr3": "one" if not split else "user" if s.cr3 & 0x1000 else "kernel",
            "gs": "kernel" if s.gs_base >> 63 else "user",
            "stack": area[0] if area else "none", "if": s.eflags >> 9 & 1,
            "cr3_write": insn.mnemonic == "mov" and insn.op_str.startswith("cr3,")})
    return rows


def print_rows(rows):
    """The table; equal neighbours (a REP's iterations) are one line."""
    print("%6s  %-44s %-46s %-7s %-7s %-13s IF" % ("#", "where", "instruction", "CR3", "GS", "stack"))
    number = 0
    for _, group in itertools.groupby(rows, key=lambda r: (r["rip"], r["cr3"], r["stack"])):
        group = list(group)
        r = group[0]
        where = "%s+%d" % (r["step"], r["offset"]) if r["offset"] else r["step"]
        times = "  x%d" % len(group) if len(group) > 1 else ""
        print("%6d  %-44s %-46s %-7s %-7s %-13s %d" % (
            number, ("  " if r["cpl"] == 3 else "") + where, r["text"][:46 - len(times)] + times, r["cr3"],
            r["gs"], r["stack"], r["if"]))
        number += len(group)


def print_totals(rows):
    """Instructions and CR3 writes per step, in the order of the first visit."""
    totals = {}
    for r in rows:
        if r["cpl"] == 0:
            count, flips = totals.get(r["step"], (0, 0))
            totals[r["step"]] = (count + 1, flips + r["cr3_write"])
    print("\n%-46s %12s %10s" % ("step", "instructions", "CR3 writes"))
    for name, (count, flips) in totals.items():
        print("%-46s %12d %10d" % (name, count, flips))
    print("%-46s %12d %10d" % ("in all at CPL 0", sum(c for c, _ in totals.values()),
                               sum(f for _, f in totals.values())))


def main(args):
    known = {d.name: d for d in designs()}
    if args.entry not in known:
        sys.exit("trace: --entry (ENTRY=) is one of: %s" % " ".join(known))
    build = Path(args.build)
    subject = Subject(str(ROOT), shipped.extract(build / "vestibule.iso", build / "trace" / "shipped"))
    wanted = EVENTS.get(args.event, args.event)
    log = build / "log" / ("%s-1-icount-trace-%s.log" % (args.entry, args.event))
    trace = next(trace_design(subject, known[args.entry], log, {wanted}), None)
    if trace is None:
        sys.exit("trace: the bench program traces no %s; see %s" % (wanted, log))
    rows = rows_of(trace, subject, subject.counter(known[args.entry]))
    print_rows(rows)
    print_totals(rows)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    ARGS = arguments()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)   # `trace.py | head` ends quietly
    from designs import designs                                 # noqa: E402
    from vmeasure import shipped                                # noqa: E402
    from vmeasure.tracer import Subject, trace_design           # noqa: E402
    main(ARGS)
