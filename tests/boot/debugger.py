# SPDX-License-Identifier: MIT
"""debugger.py - `make debug` stops where it says, at the first instruction of a design's
syscall entry; it ends when it should, with a terminal and without, and no QEMU stays behind."""
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pexpect
from pexpect import fdpexpect
from pexpect.spawnbase import SpawnBase

from check import DESIGNS, ROOT, Boot, Check, Failed, Skipped
from lib import paths

COMMAND = [sys.executable, "tools/debug.py"]
HANG_AFTER = 180        # seconds, tools/debug.py's own limit included
LEFT_BEHIND = 10        # seconds in which a QEMU that was killed is gone
PROMPT = "(gdb) "
TEXT = {"encoding": "utf-8", "codec_errors": "replace"}


def environment(design: str) -> dict:
    """Without words for the kernel: a boot that goes on for ever."""
    return {
        **os.environ, "BUILD": str(paths.build().resolve()), "ENTRY": design, "ARGS": "", "CPUS":
        "1", "TERM": "dumb"
    }


def machines(design: str) -> list[str]:
    """The QEMUs that write @design's log of `make debug` now."""
    boot = Boot(f"entry={design}", what="debug", build=paths.build().resolve())
    wanted = f"file:{boot.log}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            pass        # it has ended
    return found


def none_left(design: str, output: list[str]) -> None:
    deadline = time.monotonic() + LEFT_BEHIND
    while left := machines(design):
        if time.monotonic() > deadline:
            raise Failed(f"QEMU is left behind: process {', '.join(left)}", output[-15:])
        time.sleep(0.05)


def without_terminal(design: str, **stdin) -> tuple[int, list[str]]:
    """(status, output) of `make debug` when nobody can type."""
    with subprocess.Popen(COMMAND, cwd=ROOT, env=environment(design), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **stdin) as debug:
        try:
            output = to_end(fdpexpect.fdspawn(debug.stdout, timeout=HANG_AFTER, **TEXT))
            debug.wait(HANG_AFTER)
        finally:
            debug.terminate()
    return debug.returncode, output


def to_end(program: SpawnBase, until=pexpect.EOF) -> list[str]:
    """The lines that @program writes until it ends, or up to @until."""
    try:
        program.expect_exact(until)
    except (pexpect.TIMEOUT, pexpect.EOF) as error:
        why = f"no end after {HANG_AFTER} s" if isinstance(
            error, pexpect.TIMEOUT) else f"it ends before '{until}'"
        raise Failed(why, program.before.splitlines()[-15:]) from None
    return program.before.replace("\r", "").splitlines()


def expect_stop(ident: str, output: list[str]) -> None:
    """A NASM local label at the same place shows as symbol[label]."""
    symbol = f"{ident}_syscall_entry"
    if not any(re.match(rf"Breakpoint \d+, {symbol}(\[\w+\])? \(", line) for line in output):
        raise Failed(f"gdb did not stop at {symbol}", output[-15:])


def stop_check(ident: str, design: str) -> Check:
    def run() -> None:
        require_gdb()
        status, output = without_terminal(design, stdin=subprocess.PIPE)
        expect_stop(ident, output)
        if status:
            raise Failed(f"status {status}", output[-15:])
        none_left(design, output)
    return Check(f"{design}.debug", run)


def wrong_design_check() -> Check:
    """The boot ends before there is an entry: said, with what the kernel says."""
    def run() -> None:
        require_gdb()
        status, output = without_terminal("none-such", stdin=subprocess.DEVNULL)
        if status == 0 or not any("breakpoint was not reached" in line for line in output):
            raise Failed(f"status {status} for a boot that ends at once", output[-15:])
        if not any("none-such" in line and "entry=" in line for line in output):
            raise Failed("the kernel's reason is not shown", output[-15:])
        none_left("none-such", output)
    return Check("debug.not-reached", run)


def terminal_check(ident: str, design: str) -> Check:
    """As a person uses it: a prompt after the breakpoint, and `quit` ends everything."""
    def run() -> None:
        require_gdb()
        try:
            debug = pexpect.spawn(COMMAND[0],
                                  COMMAND[1:],
                                  cwd=ROOT,
                                  env=environment(design),
                                  timeout=HANG_AFTER,
                                  **TEXT)
        except (OSError, pexpect.ExceptionPexpect) as error:
            raise Skipped(f"no terminal can be made here: {error}") from None
        try:
            output = to_end(debug, PROMPT)
            debug.sendline("quit")
            output += to_end(debug)
        finally:
            debug.close(force=True)     # gdb, which may wait for QEMU and no signal
        expect_stop(ident, output)
        none_left(design, output)
    return Check(f"{design}.debug-terminal", run)


def require_gdb() -> None:
    if not shutil.which("gdb"):
        raise Skipped("no gdb")


def checks() -> list[Check]:
    first = DESIGNS[0]
    found = [stop_check(d.ident, d.name) for d in DESIGNS]
    return [*found, wrong_design_check(), terminal_check(first.ident, first.name)]
