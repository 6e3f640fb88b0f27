# SPDX-License-Identifier: MIT
"""A boot under QEMU's gdb stub, from before its first instruction to its end."""
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from .boots import Boot, gdb_socket
from .gdb import GdbError, GdbStub
from .outcome import EXIT_STATUS
from .postmortem.report import examine

START_SECONDS = 20


class GdbBoot:
    """A guest under the gdb stub; use it in a with statement. It is stopped before its first
    instruction, its serial line goes to @log. @build holds vestibule.elf and archive.tar;
    @machine: more of Boot's words."""

    def __init__(self, build, cmdline, log, **machine):
        self.log = Path(log)
        self.boot = Boot(cmdline=cmdline, mode="pvh", icount=True, build=Path(build), **machine)

    def __enter__(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.ends = ExitStack()
        self.path, words = self.ends.enter_context(gdb_socket())
        command = self.boot.machine() + [
            "-monitor", "none", "-serial", f"file:{self.log}", "-S", *words
        ]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            self.gdb = self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _connect(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return GdbStub(self.path)
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise GdbError("QEMU did not start: %s" % self.process.stderr.read()) from None
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.ends.close()

    def examine(self):
        """Lines that say what the guest is doing. The connection is given up."""
        self.gdb.close()        # a new one stops the guest, if it runs
        return examine(self.path, self.boot.build)

    def status(self):
        """QEMU's exit status, where the guest ends by itself, or has; None: it does not."""
        try:
            return self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def expect_pass(self):
        """The guest has ended: GdbError unless it ended well."""
        status = self.status()
        if status != EXIT_STATUS["pass"]:
            raise GdbError("the boot ended with QEMU status %s" % status)
