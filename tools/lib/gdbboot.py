# SPDX-License-Identifier: MIT
"""A boot under QEMU's gdb stub, from before its first instruction to its end."""
import os
import subprocess
import tempfile
import time
from pathlib import Path

from postmortem.report import examine

from .boots import Boot
from .gdb import GdbError, GdbStub
from .outcome import EXIT_STATUS

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
        self.directory = tempfile.TemporaryDirectory(prefix="vestibule-trace-")
        self.path = os.path.join(self.directory.name, "gdb")
        command = self.boot.machine() + [
            "-monitor", "none", "-serial", "file:%s" % self.log, "-S",
            "-chardev", "socket,id=gdb0,path=%s,server=on,wait=off" % self.path, "-gdb", "chardev:gdb0"]
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
        self.directory.cleanup()

    def examine(self):
        """Lines that say what the guest is doing. The connection is given up."""
        self.gdb.close()        # a new one stops the guest, if it runs
        return examine(self.path, self.boot.build)

    def status(self):
        """QEMU's exit status; the guest ends by itself, or has."""
        return self.process.wait(START_SECONDS)

    def expect_pass(self):
        """The guest has ended: GdbError unless it ended well."""
        status = self.status()
        if status != EXIT_STATUS["pass"]:
            raise GdbError("the boot ended with QEMU status %s" % status)
