#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""trace.py - print one real entry and exit, instruction by instruction.

    trace.py --entry DESIGN --event syscall|irq|fault|nmi [--build DIR] [--json FILE]

Columns: address; where that is (symbol, or symbol.step, and offset); the instruction; which half of
the pair CR3 names; whose GS; on which stack RSP lies and how many bytes below its top; IF.  All is
the state before the instruction.  The iterations of a REP share one line.  Below the table: totals
per step, a step being a local label of the entry assembly.  The same as JSON:
build/trace/<design>-<event>.json.
"""
import argparse
import itertools
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from lib import paths
from lib.designs import designs
from vmeasure import shipped
from vmeasure.code_figures import splits_table
from vmeasure.tracer import Subject, trace_design, trace_nmi

# What each event is called in bench=trace. The host sends the NMI, to the program, before its first
# system call.
EVENTS = {
    "syscall": "syscall_null", "irq": "irq_user", "fault": "page_fault", "nmi": "syscall_null"
}
LINE = "%6s  %-16s  %-40s %-44s %-7s %-7s %-19s %s"


def arguments():
    """The command line; --build is what everything here boots and reads."""
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--entry", default=os.environ.get("ENTRY"), help="entry design")
    p.add_argument("--event", default=os.environ.get("EVENT") or "syscall",
                   help=", ".join(EVENTS) + ", or an operation of bench=trace")
    p.add_argument("--build", default=paths.build())
    p.add_argument("--json", help="write the JSON there")
    args = p.parse_args()
    args.build = paths.use_build(args.build)
    return args


def text_of(insn, elf):
    """The instruction as text; the target of a direct jump or call by name."""
    target = insn.op_str
    if insn.mnemonic[0] == "j" or insn.mnemonic == "call":
        if target.startswith("0x"):
            name, offset = elf.near(int(target, 16))
            target = "%s+%d" % (name, offset) if offset else name or target
    return ("%s %s" % (insn.mnemonic, target)).strip()


def rows_of(trace, subject, design):
    """One dict per executed instruction of @trace."""
    counter, split = subject.counter(design), splits_table(subject.kernel, design)
    roots = {s.cr3 & ~0x8000000000001fff for s in trace.steps}
    rows = []
    for s in trace.steps:
        insn = counter.decode(s)
        elf = subject.program if s.cs & 3 == 3 else subject.kernel
        name, offset = elf.near(s.rip)
        area = counter.stack_after(s, roots)
        rows.append({
            "rip": s.rip, "step": name or "?", "offset": offset, "cpl": s.cs & 3, "text":
            text_of(insn,
                    elf), "cr3": "one" if not split else "user" if s.cr3 & 0x1000 else "kernel",
            "gs": "kernel" if s.gs_base >> 63 else "user", "stack": area[0] if area else "none",
            "below_top": counter.areas.below_top(s.rsp) if area else None, "if": s.eflags >> 9 & 1,
            "cr3_write": insn.mnemonic == "mov" and insn.op_str.startswith("cr3,")
        })
    return rows


def print_rows(rows):
    """The table; equal neighbours (a REP's iterations) are one line."""
    print(LINE % ("#", "address", "where", "instruction", "CR3", "GS", "stack", "IF"))
    number = 0
    for _, group in itertools.groupby(rows, key=lambda r: (r["rip"], r["cr3"], r["stack"])):
        group = list(group)
        r = group[0]
        where = "%s+%d" % (r["step"], r["offset"]) if r["offset"] else r["step"]
        times = "  x%d" % len(group) if len(group) > 1 else ""
        stack = r["stack"] if r["below_top"] is None else "%s-%d" % (r["stack"], r["below_top"])
        print(LINE % (number, "%016x" % r["rip"], ("  " if r["cpl"] == 3 else "") + where,
                      r["text"][:44 - len(times)] + times, r["cr3"], r["gs"], stack, r["if"]))
        number += len(group)


def totals_of(rows):
    """Instructions at CPL 0 and CR3 writes per step, in the order of the first visit."""
    totals = {}
    for r in rows:
        if r["cpl"] == 0:
            at = totals.setdefault(r["step"],
                                   {"step": r["step"], "instructions": 0, "cr3_writes": 0})
            at["instructions"] += 1
            at["cr3_writes"] += r["cr3_write"]
    return list(totals.values())


def print_totals(totals):
    """The second table."""
    print("\n%-46s %12s %10s" % ("step", "instructions", "CR3 writes"))
    for t in totals:
        print("%-46s %12d %10d" % (t["step"], t["instructions"], t["cr3_writes"]))
    print("%-46s %12d %10d" % ("in all at CPL 0", sum(t["instructions"] for t in totals),
                               sum(t["cr3_writes"] for t in totals)))


def record(args, design, subject, log):
    """The Trace of the event that @args names."""
    operation = EVENTS.get(args.event, args.event)
    if args.event == "nmi":
        trace = trace_nmi(subject, design, log, operation)
    else:
        trace = next(trace_design(subject, design, log, {operation}), None)
    if trace is None:
        sys.exit(
            "trace: EVENT= is one of: %s, or an operation that the bench program traces; '%s' "
            "is none (%s)"
            % (" ".join(EVENTS), operation, log))
    return trace


def trace(args, design, files):
    """Print and write the trace of one boot; @files: an empty directory for what the ISO ships."""
    build = args.build
    subject = Subject(shipped.extract(build / "vestibule.iso", files))
    log = build / "log" / ("%s-1-icount-trace-%s.log" % (design.name, args.event))
    rows = rows_of(record(args, design, subject, log), subject, design)
    totals = totals_of(rows)
    print_rows(rows)
    print_totals(totals)
    target = Path(args.json or build / "trace" / ("%s-%s.json" % (design.name, args.event)))
    target.write_text(
        json.dumps(
            {
                "design": design.name, "event": args.event, "kernel_sha256": shipped.sha256(
                    subject.shipped / "vestibule.elf"), "rows": rows, "totals": totals
            },
            indent=1) + "\n")
    print("\nwritten to %s" % os.path.relpath(target))


def main(args):
    known = {d.name: d for d in designs()}
    if args.entry not in known:
        sys.exit("trace: --entry (ENTRY=) is one of: %s" % " ".join(known))
    directory = args.build / "trace"
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shipped-", dir=directory) as files:
        trace(args, known[args.entry], files)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)   # `trace.py | head` ends quietly
    main(arguments())
