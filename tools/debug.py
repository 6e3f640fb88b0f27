#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""debug.py - gdb at the first instruction of a design's system-call entry (ENTRY= CPUS= ARGS=).

    debug.py            gdb in this terminal, with .gdbinit.  Without a terminal nobody could type:
                        it shows where it stopped and ends, with status 0 when that is the
                        breakpoint
    debug.py machine    the machine for .gdbinit's `target remote |`: stopped before its first
    instruction, gdb's
                        protocol on stdin and stdout

Environment: BUILD (default "build").
"""
import os
import select
import signal
import subprocess
import sys

from lib import paths
from lib.boots import Boot, from_environment
from lib.paths import ROOT

HANG_AFTER = 120    # seconds, without a terminal
REACHED = b"is next: the first instruction of a syscall entry"      # .gdbinit prints it
GDB = ["gdb", "-q", "-nx", "-x", ".gdbinit"]


def this_boot() -> Boot:
    return from_environment(what="debug")


def end_in_order(*_) -> None:
    """For signals: what a `finally` ends must not be left behind."""
    sys.exit(1)


def relay(file: int, qemu: subprocess.Popen) -> None:
    """What comes from @file goes to QEMU, until one of the two has ended.  @file is a socket
    to gdb that QEMU writes to, so QEMU has made it non-blocking, and gdb sees no end of it
    before this program ends too."""
    ended = os.pidfd_open(qemu.pid)
    while ended not in select.select([file, ended], [], [])[0]:
        if not (data := os.read(file, 65536)):
            return
        qemu.stdin.write(data)


def serve() -> int:
    """QEMU, and its end when gdb's side is closed: since QEMU 10 it goes on without anybody, and
    gdb waits for it."""
    boot = this_boot()
    boot.log.parent.mkdir(parents=True, exist_ok=True)
    command = boot.machine() + [
        "-S", "-gdb", "stdio", "-monitor", "none", "-serial", f"file:{boot.log}"
    ]
    qemu = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0)
    try:
        relay(sys.stdin.fileno(), qemu)
    except BrokenPipeError:
        pass            # QEMU has ended
    finally:
        qemu.kill()
        qemu.wait()
    return 0


def to_breakpoint(kernel: str) -> int:
    """gdb without anybody who types."""
    gdb = subprocess.Popen([*GDB, "-batch", kernel],
                           cwd=ROOT,
                           stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT,
                           start_new_session=True)
    try:
        output = gdb.communicate(timeout=HANG_AFTER)[0]
    except subprocess.TimeoutExpired as hang:
        output = hang.output or b""
    finally:
        gdb.kill()
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
    if REACHED in output:
        return 0
    log = this_boot().log
    said = log.read_text(errors="replace").splitlines()[-10:] if log.exists() else []
    print("debug: the breakpoint was not reached" +
          (f" in {HANG_AFTER} s" if gdb.returncode is None else "") + f"; the end of {log}:\n  " +
          "\n  ".join(said),
          file=sys.stderr)
    return 1


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_in_order)
    if sys.argv[1:] == ["machine"]:
        return serve()
    kernel = str((paths.build() / "vestibule.elf").resolve())
    if not sys.stdin.isatty():
        return to_breakpoint(kernel)
    os.chdir(ROOT)
    os.execvp(GDB[0], [*GDB, kernel])


if __name__ == "__main__":
    sys.exit(main() if sys.argv[1:] in ([], ["machine"]) else __doc__)
