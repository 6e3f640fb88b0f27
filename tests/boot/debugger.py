# SPDX-License-Identifier: MIT
"""debugger.py - `make debug` stops where it says: at the first instruction of a design's syscall entry."""
import os
import re
import shutil
import subprocess

from check import BUILD, DESIGNS, KERNEL, ROOT, Check, Failed, Skipped


def stop_check(ident: str, design: str) -> Check:
    symbol = f"{ident}_syscall_entry"

    def run() -> None:
        if not shutil.which("gdb"):
            raise Skipped("no gdb")
        env = {**os.environ, "BUILD": str(BUILD), "ENTRY": design, "ARGS": "tests=user", "CPUS": "1"}
        try:
            done = subprocess.run(["gdb", "-q", "-nx", "-batch", "-x", ".gdbinit", "-ex", "info symbol $pc",
                                   str(KERNEL)], cwd=ROOT, env=env, timeout=60, capture_output=True,
                                  text=True, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failed("timeout: the breakpoint was not reached in 60 s") from None
        text = (done.stdout + done.stderr).splitlines()
        # A NASM local label at the same place shows as symbol[label].
        if not any(re.match(rf"{symbol}(\[\w+\])? in section", line) for line in text):
            raise Failed(f"gdb did not stop at {symbol}", text[-15:])
    return Check(f"{design}.debug", run)


def checks() -> list[Check]:
    return [stop_check(d.ident, d.name) for d in DESIGNS]
