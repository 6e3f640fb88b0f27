# SPDX-License-Identifier: MIT
"""boots.py - boot the kernel in QEMU: Boot(...).run() -> Outcome.

The serial line is kept in $BUILD/log/<design>-<cpus>-<accelerator>-<what>.log.
Environment: ACCEL (tcg, or kvm where the user chooses it).
"""
import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

from . import paths, settings
from .offers import QEMU, one_instruction_blocks
from .outcome import Outcome
from .postmortem.report import examine

MOST_CPUS = 255     # of a machine without x2APIC

HINT_AFTER = 10     # seconds without a byte of output
# detects hangs; never part of a verdict
HANG_AFTER = {"pvh": 90, "iso-bios": 120, "iso-uefi": 240}

OVMF_PAIRS = [(Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),
              (Path("/usr/share/OVMF/OVMF_CODE.fd"), Path("/usr/share/OVMF/OVMF_VARS.fd"))]
OVMF_SINGLE = Path("/usr/share/ovmf/OVMF.fd")

running: set[subprocess.Popen] = set()      # end with this program


@atexit.register
def _stop_all() -> None:
    for proc in list(running):
        proc.kill()


@contextmanager
def gdb_socket() -> Iterator[tuple[str, list[str]]]:
    """A unix socket's path, and the words that have QEMU serve gdb there. That costs a guest
    nothing until somebody connects. The path is short, wherever the build lies: a socket's
    may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="vestibule-") as directory:
        path = os.path.join(directory, "gdb")
        yield path, [
            "-chardev", f"socket,id=gdb0,path={path},server=on,wait=off", "-gdb", "chardev:gdb0"
        ]


@dataclass
class Boot:
    """One boot.  @cmdline reaches the kernel unchanged on every path; on the ISO paths an empty one
    shows GRUB's menu, whose first entry starts after 5 s."""
    cmdline: str = ""
    mode: str = "pvh"           # "pvh" (-kernel), "iso-bios" or "iso-uefi"
    cpus: int = 1
    cpu: str = "max"
    # the same machine on every QEMU: not all have it, and under icount it ends them
    x2apic: bool = False
    memory: int = 256           # MiB
    icount: bool = False        # one TSC tick is one guest instruction
    one_insn: bool = False      # each instruction is a translation block of its own
    what: str = "boot"          # last part of the log's name
    archive: bool = True        # "pvh" only: hand over the boot archive
    bare: bool = False          # the image without the probe (make iso PROBE=0)
    extra: list[str] = field(default_factory=list)
    # stop the machine when this text has been printed (boots that go on for ever)
    until: str = ""
    # for tests of what is said about a hang: with this text the time is up
    hangs_at: str = ""
    timeout: float = 0          # seconds; 0: HANG_AFTER
    build: Path = field(default_factory=paths.build)

    @property
    def accel(self) -> str:
        return "icount" if self.icount else settings.accelerator()

    @property
    def name(self) -> str:
        design = re.search(r"(?:^| )entry=([\w-]+)", self.cmdline)
        return f"{design[1] if design else 'default'}-{self.cpus}-{self.accel}-{self.what}"

    @property
    def image(self) -> str:
        return "bare" if self.bare else "vestibule"

    @property
    def log(self) -> Path:
        return self.build / "log" / f"{self.name}.log"

    @property
    def model(self) -> str:
        """The processor, as -cpu names it."""
        return f"{self.cpu},{'+' if self.x2apic else '-'}x2apic"

    def acceleration(self) -> list[str]:
        """How the processor is made."""
        if self.icount and self.x2apic:
            raise ValueError("x2APIC under icount: QEMU ends with 'Bad icount read'")
        accel = ["-icount", "shift=0,sleep=off"] if self.icount else ["-accel", self.accel]
        return accel + (one_instruction_blocks() if self.one_insn else [])

    def machine(self) -> list[str]:
        """The machine: everything but the serial line."""
        return [
            QEMU, "-M", "q35", "-m",
            str(self.memory), "-smp",
            str(self.cpus), "-cpu", self.model, *self.acceleration(), "-display", "none",
            "-no-reboot", "-nic", "none", "-rtc", "base=2020-11-19,clock=vm", "-device",
            "isa-debug-exit,iobase=0xf4,iosize=4", *self.medium(), *self.extra
        ]

    def medium(self) -> list[str]:
        """What is booted, and the command line on its way to the kernel."""
        if self.mode == "pvh":
            args = ["-kernel", str(self.build / f"{self.image}.elf")]
            args += ["-append", self.cmdline] if self.cmdline else []
            archive = "bare-archive.tar" if self.bare else "archive.tar"
            return args + (["-initrd", str(self.build / archive)] if self.archive else [])
        args = ["-cdrom", str(self.build / f"{self.image}.iso"), "-boot", "d"]
        if self.cmdline:
            args += ["-smbios", "type=1,serial=" + self.cmdline.replace(",", ",,")]
        return args + (self.ovmf() if self.mode == "iso-uefi" else [])

    def ovmf(self) -> list[str]:
        """UEFI firmware, its variables in a private copy."""
        for code, template in OVMF_PAIRS:
            if code.exists() and template.exists():
                variables = self.log.with_suffix(".vars")
                variables.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(template, variables)
                return [
                    "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}", "-drive",
                    f"if=pflash,format=raw,unit=1,file={str(variables).replace(',', ',,')}"
                ]
        if OVMF_SINGLE.exists():
            return ["-bios", str(OVMF_SINGLE)]
        raise FileNotFoundError("no OVMF firmware: tools/setup.sh run")

    def run(self) -> Outcome:
        """Boot, wait for the end, keep the serial text.  A hang is an outcome, not an exception."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        start = time.monotonic()
        with gdb_socket() as (socket, words):
            command = self.machine() + ["-monitor", "none", "-serial", f"file:{self.log}", *words]
            proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True)
            running.add(proc)
            try:
                end, stderr = self._wait(proc, start)
                state = self._examine(socket) if end == "hangs" else []
                status = proc.returncode
            finally:
                proc.kill()
                running.discard(proc)
                self.log.with_suffix(".vars").unlink(missing_ok=True)
        if status is None:
            stderr = proc.communicate()[1]
        return Outcome(status, self.log, time.monotonic() - start, stderr, end == "reached", state)

    def _wait(self, proc: subprocess.Popen, start: float) -> tuple[str, str]:
        """("ended", stderr), or how it stands while it still runs: "reached" (@until) or "hangs",
        and ""."""
        limit = self.timeout or HANG_AFTER[self.mode] * (3 if self.icount else 1)
        hinted = limit <= HINT_AFTER
        while True:
            elapsed = time.monotonic() - start
            pause = (0.05 if self.until or self.hangs_at else
                     limit - elapsed if hinted else HINT_AFTER - elapsed)
            try:
                return "ended", proc.communicate(timeout=max(0.0, min(pause, limit - elapsed)))[1]
            except subprocess.TimeoutExpired:
                pass
            printed = self.log.read_bytes() if self.log.exists() else b""
            if self.until and self.until.encode() in printed:
                return "reached", ""
            if not hinted and time.monotonic() - start >= HINT_AFTER:
                hinted = True
                if not printed:
                    print(
                        f"# {self.name}: no output yet after {HINT_AFTER} s; it is stopped after "
                        f"{limit:.0f} s (is this machine very busy?)",
                        file=sys.stderr,
                        flush=True)
            if time.monotonic() - start >= limit or (self.hangs_at and
                                                     self.hangs_at.encode() in printed):
                return "hangs", ""

    def _examine(self, socket: str) -> list[str]:
        """What the guest that hangs is doing."""
        return ["where it hangs:"] + ["  " + line for line in examine(socket, self.build)]


def from_environment(**kwargs) -> Boot:
    """A Boot as `make run` and `make debug` describe it: ENTRY= CPUS= ARGS=."""
    entry, args = os.environ.get("ENTRY", ""), os.environ.get("ARGS", "")
    words = ([f"entry={entry}"] if entry else []) + args.split()
    cpus = settings.number("CPUS", 1, 1, MOST_CPUS)
    return Boot(cmdline=" ".join(words), cpus=cpus, **kwargs)
