#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run.py - boot the ISO in QEMU with its serial line in this terminal: `make run` (ENTRY= CPUS=
ARGS= UEFI=1)."""
import subprocess
import sys

from lib import settings
from lib.boots import Boot, from_environment, gdb_socket
from lib.outcome import EXIT_STATUS, VERDICTS
from lib.paths import run_socket


def boot_for_terminal() -> Boot:
    return from_environment(mode="iso-uefi" if settings.yes("UEFI") else "iso-bios", what="run")


def main() -> int:
    boot = boot_for_terminal()
    print(
        "Ctrl-A x ends QEMU, Ctrl-A c is its monitor; `make hang` elsewhere: what does it wait "
        "for?",
        flush=True)
    try:
        with gdb_socket() as (socket, words):
            run_socket().write_text(socket + "\n")
            status = subprocess.call(boot.machine() + ["-serial", "mon:stdio", *words])
    finally:
        run_socket().unlink(missing_ok=True)
        boot.log.with_suffix(".vars").unlink(missing_ok=True)
    print(
        f"\nQEMU status {status}: {VERDICTS.get(status, 'ended from outside, or a triple fault')}")
    return 0 if status in (0, EXIT_STATUS["pass"]) else status


if __name__ == "__main__":
    sys.exit(main() if not sys.argv[1:] else __doc__)
