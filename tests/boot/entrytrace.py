# SPDX-License-Identifier: MIT
"""entrytrace.py - `make trace`: what it prints begins and ends where an entry does, and what it
writes says the same.

Each design is traced at a system call and at an NMI, and at one more event, another one for each
design.
"""
import json
import os
import re
import subprocess
import sys

from check import DESIGNS, ROOT, Check, Failed
from lib import paths
from lib.designs import Design, shared_text
from lib.elf import built_kernel
from vmeasure.code_figures import splits_table

MORE = ("irq", "fault")
ROW = re.compile(
    r" *\d+  [0-9a-f]{16} +\S.* (user|kernel|one) +(user|kernel) +[a-z_]+(-\d+)? +[01]$")


def trace(design: Design, event: str) -> list[dict]:
    """The rows of one run of the tool at CPL 0; Failed when it or its table is not in order."""
    command = [
        sys.executable,
        str(ROOT / "tools" / "trace.py"), "--entry", design.name, "--event", event
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "BUILD": str(paths.build())})
    except subprocess.TimeoutExpired:
        raise Failed(f"{event}: timeout: no end after 120 s") from None
    lines = done.stdout.splitlines()
    if done.returncode:
        raise Failed(f"{event}: status {done.returncode}", (lines + done.stderr.splitlines())[-15:])
    found = json.loads((paths.build() / "trace" / f"{design.name}-{event}.json").read_text())
    table = lines[1:lines.index("")]
    if wrong := [line for line in table if not ROW.match(line)]:
        raise Failed(f"{event}: rows that lack a column", wrong[:5])
    rows = [row for row in found["rows"] if row["cpl"] == 0]
    if sum(t["instructions"]
           for t in found["totals"]) != len(rows) or len(table) > len(found["rows"]):
        raise Failed(f"{event}: table, totals and rows disagree")
    return rows


def expect_entry(design: Design, event: str, rows: list[dict]) -> None:
    """From the first instruction in the kernel to the last: what must be true of each event."""
    first, last = rows[0], rows[-1]
    table = ["user", "kernel", "user"] if splits_table(built_kernel(), design) else ["one"]
    changes = [r["cr3"] for i, r in enumerate(rows) if i == 0 or rows[i - 1]["cr3"] != r["cr3"]]
    land = f"{design.ident}_syscall_entry" if event == "syscall" else f"{design.ident}_stubs"
    own = (design.ident + "_", shared_text(design) + "_")
    wanted = [
        (first["step"].split(".")[0] == land, f"begins at {first['step']}, not at {land}"),
        (re.match("sysret|iretq", last["text"]), f"ends with {last['text']}"),
        (changes == table, f"CR3 goes {changes}, not {table}"),
        ((first["gs"], last["gs"]) == ("user", "user"),
         "does not begin and end with the user's GS"),
        (any(r["gs"] == "kernel" for r in rows), "never has the kernel's GS"),
        (not any(r["if"] for r in rows), "has interrupts on"),
        (event != "nmi" or (first["stack"] == "nmi_stack" and first["below_top"] >= 40),
         f"the NMI lands on {first['stack']}-{first['below_top']}"),
        (any(r["stack"] == "kernel_stack" and r["below_top"]
             for r in rows), "never has a frame on a kernel stack"),
        (all(r["stack"] == "kernel_stack" for r in rows if not r["step"].startswith(own)),
         "runs kernel text on a stack that a program's table shows"),
    ]
    for good, why in wanted:
        if not good:
            raise Failed(f"{event}: {why}")


def trace_check(design: Design, more: str) -> Check:
    def run() -> str:
        counts = []
        for event in ("syscall", "nmi", more):
            rows = trace(design, event)
            expect_entry(design, event, rows)
            counts.append(f"{event} {len(rows)}")
        return "instructions in the kernel: " + ", ".join(counts)
    return Check(f"{design.name}.trace", run)


def checks() -> list[Check]:
    return [trace_check(d, MORE[i % len(MORE)]) for i, d in enumerate(DESIGNS)]
