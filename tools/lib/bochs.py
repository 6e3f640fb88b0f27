# SPDX-License-Identifier: MIT
"""bochs.py - boot the ISO in Bochs and say how it ended.

BochsBoot(...).run() -> Outcome, as in boots.py; the serial line is kept in
$BUILD/log/<design>-<cpus>-bochs-<what>.log.  Bochs has processor models with PCID and x2APIC, which
QEMU's TCG has not.  It takes no command line for the guest, so this program does what a person
would do: in GRUB's menu, over the serial line, it presses c and types the command line.  The ISO is
the shipped one.  Bochs's own exit status says nothing, so the last line `EXIT n` alone is judged.
"""
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import tty
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pexpect
from pexpect import fdpexpect

from . import paths
from .boots import running
from .outcome import Outcome

BIOS = [
    Path("/usr/share/bochs/BIOS-bochs-latest"),
    Path("/usr/local/share/bochs/BIOS-bochs-latest")
]
VGA_BIOS = [
    Path("/usr/share/vgabios/vgabios-stdvga.bin"),
    Path("/usr/share/bochs/VGABIOS-lgpl-latest"),
    Path("/usr/local/share/bochs/VGABIOS-lgpl-latest")
]
# below /usr
PLUGINS = "lib/*-linux-gnu/bochs/plugins", "lib*/bochs/plugins", "local/lib/bochs/plugins"
HANG_AFTER = 600            # seconds; detects hangs; Bochs is slow, and slower with each CPU
MENU, PROMPT = b"for a command-line", b"grub> "
# a key, which is no part of a terminal's sequence
ECHO = rb"\A(?:\x1b\[[0-9;?=]*[A-Za-z]|[^\x1b])*?%s"

CONFIGURATION = """\
display_library: term
megs: 256
romimage: file={bios}
vgaromimage: file={vga_bios}
cpu: model={model}, count={cpus}, ips=50000000, reset_on_triple_fault=0
clock: sync=none, time0=1605744000
ata0-master: type=cdrom, path="{iso}", status=inserted
boot: cdrom
com1: enabled=1, mode=term, dev={terminal}
log: {log}
panic: action=fatal
"""


def missing() -> str:
    """Why Bochs cannot be run here; "" when it can."""
    if not shutil.which("bochs"):
        return "bochs is not installed"
    for what, places in (("Bochs's BIOS", BIOS), ("a VGA BIOS", VGA_BIOS)):
        if not any(p.exists() for p in places):
            return f"{what} is not installed"
    if not [f for p in PLUGINS for f in Path("/usr").glob(f"{p}/libbx_term_gui.so")]:
        return "Bochs's text display is not installed"
    return ""


class BochsOutcome(Outcome):
    """Its status is what QEMU's would be for the same last line; None: it hung and was
    stopped.  Its text starts where the command line was typed; the log has the menu as well."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.text = self.text[max(0, self.text.rfind(PROMPT.decode())):]

    def describe(self) -> str:
        if self.status is None:
            return super().describe()
        return f"{self.verdict}: " + (f"EXIT {self.exit_code}"
                                      if self.status else "Bochs ended without an EXIT line")


class Screen(threading.Thread):
    """Reads Bochs's screen, a terminal that it opens for itself and names on @errors, its
    standard error. Nobody looks, but when the terminal is full Bochs stands still."""

    def __init__(self, errors: BinaryIO):
        super().__init__(daemon=True)
        self.errors = errors

    def run(self) -> None:
        with self.errors:
            for line in self.errors:
                if found := re.search(rb'connected to screen "(.+?)"', line):
                    self.drain(found[1])

    @staticmethod
    def drain(name: bytes) -> None:
        terminal = os.open(name, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(terminal)
            while os.read(terminal, 65536):
                pass
        except OSError:
            pass            # Bochs has ended
        finally:
            os.close(terminal)


@dataclass
class BochsBoot:
    """One boot of the ISO.  @cmdline must fit into a line of GRUB's."""
    cmdline: str
    cpus: int = 1
    model: str = "corei7_haswell_4770"      # Bochs's name; `bochs --help cpu` lists them
    what: str = "boot"                      # last part of the log's name
    timeout: float = HANG_AFTER             # seconds
    build: Path = field(default_factory=paths.build)

    @property
    def log(self) -> Path:
        design = re.search(r"(?:^| )entry=([\w-]+)", self.cmdline)
        name = design[1] if design else "default"
        return self.build / "log" / f"{name}-{self.cpus}-bochs-{self.what}.log"

    def configuration(self, terminal: str) -> str:
        return CONFIGURATION.format(bios=next(p for p in BIOS if p.exists()),
                                    vga_bios=next(p for p in VGA_BIOS if p.exists()),
                                    model=self.model,
                                    cpus=self.cpus,
                                    iso=(self.build / "vestibule.iso").resolve(),
                                    terminal=terminal,
                                    log=self.log.with_suffix(".bochs").resolve())

    def run(self) -> Outcome:
        """Boot, wait for the end, keep the serial text.  A hang is an outcome, not an exception."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        line, terminal = os.openpty()
        tty.setraw(terminal)
        with tempfile.TemporaryDirectory(prefix="bochs-") as tmp, self.log.open("wb") as log:
            proc = self._start(Path(tmp), os.ttyname(terminal))
            serial = fdpexpect.fdspawn(line, maxread=65536)
            serial.logfile_read = log
            # The line ends when nobody has the terminal any more: we no longer than Bochs.
            keeper = threading.Thread(target=lambda: (proc.wait(), os.close(terminal)))
            keeper.start()
            try:
                hung = self._converse(serial, start + self.timeout)
            finally:
                proc.kill()
                keeper.join()
                running.discard(proc)
                serial.close()
        return self._judge(None if hung else proc.returncode, time.monotonic() - start)

    def _start(self, tmp: Path, terminal: str) -> subprocess.Popen:
        (tmp / "bochsrc").write_text(self.configuration(terminal))
        (tmp / "go").write_text("c\n")      # Debian's Bochs starts in its debugger
        proc = subprocess.Popen(["bochs", "-q", "-f", tmp / "bochsrc", "-rc", tmp / "go"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, env={**os.environ, "TERM": "xterm"})
        running.add(proc)
        Screen(proc.stderr).start()
        return proc

    def _converse(self, serial: fdpexpect.fdspawn, limit: float) -> bool:
        """Type the command line and wait for the end; does it hang?"""
        def expect(pattern) -> None:
            serial.expect(pattern, timeout=max(0.0, limit - time.monotonic()))
        try:
            expect(MENU)
            serial.send("c")
            expect(PROMPT)
            # Bochs's serial line drops what it has no room for
            for key in f"start {self.cmdline}":
                serial.send(key)
                expect(ECHO % re.escape(key).encode())
            serial.send("\r")
            expect(pexpect.EOF)
        except pexpect.EOF:
            return False
        except pexpect.TIMEOUT:
            return True
        return False

    def _judge(self, own_status: int | None, seconds: float) -> Outcome:
        if own_status is None:
            return BochsOutcome(None, self.log, seconds)
        code = BochsOutcome(0, self.log, seconds).exit_code
        status = 0 if code is None else 2 * code + 1
        own = self.log.with_suffix(".bochs")        # Bochs's own log; p: panic
        said = own.read_text(
            errors="replace").splitlines() if own.exists() else ["bochs did not start"]
        said = [l for l in said if not re.match(r"\d+[ide]\[", l)]
        if own_status < 0:
            said.append(f"Bochs was ended by signal {-own_status}")
        return BochsOutcome(status, self.log, seconds, "\n".join(said))
