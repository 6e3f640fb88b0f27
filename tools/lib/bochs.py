# SPDX-License-Identifier: MIT
"""bochs.py - boot the ISO in Bochs and say how it ended.

BochsBoot(...).run() -> Outcome, as in boots.py; the serial line is kept in
$BUILD/log/<design>-<cpus>-bochs-<what>.log.  Bochs has processor models with PCID and x2APIC, which
QEMU's TCG has not.  It takes no command line for the guest, so this program does what a person would
do: in GRUB's menu, over the serial line, it presses c and types the command line.  The ISO is the
shipped one.  Bochs's own exit status says nothing, so the last line `EXIT n` alone is judged.
"""
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
import tty
from dataclasses import dataclass, field
from pathlib import Path

from . import paths
from .boots import running
from .outcome import Outcome

BIOS = [Path("/usr/share/bochs/BIOS-bochs-latest"), Path("/usr/local/share/bochs/BIOS-bochs-latest")]
VGA_BIOS = [Path("/usr/share/vgabios/vgabios-stdvga.bin"), Path("/usr/share/bochs/VGABIOS-lgpl-latest"),
            Path("/usr/local/share/bochs/VGABIOS-lgpl-latest")]
PLUGINS = "lib/*-linux-gnu/bochs/plugins", "lib*/bochs/plugins", "local/lib/bochs/plugins"   # below /usr
HANG_AFTER = 600            # seconds; detects hangs; Bochs is slow, and slower with each CPU
MENU = b"for a command-line"
PROMPT = "grub> "
ESCAPE = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]")

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
    """Its status is what QEMU's would be for the same last line; None: it hung and was stopped.  Its
    text starts where the command line was typed; the log has the menu as well."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.text = self.text[max(0, self.text.rfind(PROMPT)):]

    def describe(self) -> str:
        if self.status is None:
            return super().describe()
        return f"{self.verdict}: " + (f"EXIT {self.exit_code}" if self.status else "Bochs ended without an EXIT line")


class Typist:
    """Types @command at GRUB's prompt, each key when the last one has been echoed: Bochs's
    serial line drops what it has no room for."""

    def __init__(self, line: int, command: str):
        self.line, self.command = line, command
        self.typed = -1             # keys of @command; -1: the menu has not shown yet

    def look(self, output: bytes) -> None:
        if self.typed < 0 and MENU in output:
            os.write(self.line, b"c")
            self.typed = 0
        if not 0 <= self.typed <= len(self.command):
            return
        shown = ESCAPE.sub("", output[-4096:].decode("utf-8", "replace"))
        if shown.endswith(PROMPT + self.command[:self.typed]):
            os.write(self.line, (self.command + "\r")[self.typed].encode())
            self.typed += 1


class Screen:
    """Bochs's screen, a terminal that it opens for itself and names on its standard error.  Nobody
    looks, but somebody must read: when the terminal is full Bochs stands still."""

    def __init__(self, errors: int):
        self.errors, self.named, self.terminal = errors, b"", -1

    def files(self) -> list[int]:
        return [self.errors if self.terminal < 0 else self.terminal]

    def drain(self) -> None:
        try:
            seen = os.read(self.files()[0], 65536)
        except OSError:             # Bochs has ended
            seen = b""
        if self.terminal < 0:
            self.named += seen
            found = re.search(rb'connected to screen "(.+?)"', self.named)
            if found:
                self.terminal = os.open(found[1], os.O_RDWR | os.O_NOCTTY)
                tty.setraw(self.terminal)

    def close(self) -> None:
        if self.terminal >= 0:
            os.close(self.terminal)


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
        return self.build / "log" / f"{design[1] if design else 'default'}-{self.cpus}-bochs-{self.what}.log"

    def configuration(self, terminal: str) -> str:
        return CONFIGURATION.format(
            bios=next(p for p in BIOS if p.exists()), vga_bios=next(p for p in VGA_BIOS if p.exists()),
            model=self.model, cpus=self.cpus, iso=(self.build / "vestibule.iso").resolve(),
            terminal=terminal, log=self.log.with_suffix(".bochs").resolve())

    def run(self) -> Outcome:
        """Boot, wait for the end, keep the serial text.  A hang is an outcome, not an exception."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        line, terminal = os.openpty()
        tty.setraw(terminal)
        start = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="bochs-") as tmp:
                output, status = self._boot(Path(tmp), line, os.ttyname(terminal))
        finally:
            os.close(line)
            os.close(terminal)
        self.log.write_bytes(output)
        return self._judge(status, time.monotonic() - start)

    def _boot(self, tmp: Path, line: int, terminal: str) -> tuple[bytes, int | None]:
        """(serial output, Bochs's status or None when it had to be stopped)"""
        (tmp / "bochsrc").write_text(self.configuration(terminal))
        (tmp / "go").write_text("c\n")      # Debian's Bochs starts in its debugger
        proc = subprocess.Popen(["bochs", "-q", "-f", tmp / "bochsrc", "-rc", tmp / "go"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, env={**os.environ, "TERM": "xterm"})
        running.add(proc)
        screen = Screen(proc.stderr.fileno())
        try:
            return self._converse(proc, line, screen)
        finally:
            proc.kill()
            proc.wait()
            proc.stderr.close()
            running.discard(proc)
            screen.close()

    def _converse(self, proc: subprocess.Popen, line: int, screen: Screen) -> tuple[bytes, int | None]:
        output, typist = b"", Typist(line, f"start {self.cmdline}")
        limit = time.monotonic() + self.timeout
        while time.monotonic() < limit:
            ended = proc.poll() is not None
            ready = select.select([line] + ([] if ended else screen.files()), [], [], 0 if ended else 0.2)[0]
            if line in ready:
                output += os.read(line, 65536)
                typist.look(output)
            elif ready:
                screen.drain()
            elif ended:
                return output, proc.returncode
        return output, None

    def _judge(self, own_status: int | None, seconds: float) -> Outcome:
        if own_status is None:
            return BochsOutcome(None, self.log, seconds)
        code = BochsOutcome(0, self.log, seconds).exit_code
        status = 0 if code is None else 2 * code + 1
        own = self.log.with_suffix(".bochs")        # Bochs's own log; p: panic
        said = own.read_text(errors="replace").splitlines() if own.exists() else ["bochs did not start"]
        said = [l for l in said if not re.match(r"\d+[ide]\[", l)]
        if own_status < 0:
            said.append(f"Bochs was ended by signal {-own_status}")
        return BochsOutcome(status, self.log, seconds, "\n".join(said))
