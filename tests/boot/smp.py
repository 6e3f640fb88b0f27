# SPDX-License-Identifier: MIT
"""smp.py - CPUs: as many start as there are or cpus= says, each passes the in-kernel tests,
threads pass theirs on all of them, and nobody spins when there is nothing to do; failures are
told."""
import os
import re
import subprocess
import time
from pathlib import Path

from check import DESIGNS, WELCOME, Boot, Check, Failed, Skipped, expect, expect_ktap
from guest import USER_MEMORY
from lib.offers import cpu_feature

LAST = DESIGNS[-1].name
TURNS_MS, TURNS_MS_MAX = 30, 200
IDLE_START, IDLE_SECONDS, IDLE_SHARE = 60, 10, 0.05


def cpus_line(n: int) -> str:
    return rf"^vestibule: {n} CPU{'s' if n > 1 else ''},"


def kernel_check(design: str, machine: int, started: int, words: str = "", **boot) -> Check:
    """In-kernel tests on a machine of @machine CPUs of which @started come up."""
    name = f"smp-{started}-of-{machine}" + "".join(f"-{value if value is not True else key}"
                                                  for key, value in boot.items())

    def run() -> str:
        outcome = Boot(f"entry={design} tests=kernel{words}",
                       cpus=machine,
                       what=name,
                       timeout=600,
                       **boot).run()
        remark = expect_ktap(outcome)
        expect(outcome, "pass", cpus_line(started))
        return remark
    return Check(f"{design}.{name}", run)


def said_check(name: str, machine: int, words: str, *patterns: str, **boot) -> Check:
    """@words boot all the same, and the log says what is missing."""
    def run() -> None:
        outcome = Boot(f"entry={LAST} tests=kernel {words}".strip(),
                       cpus=machine,
                       what=f"smp-{name}",
                       timeout=600,
                       **boot).run()
        expect_ktap(outcome)
        expect(outcome, "pass", *patterns)
    return Check(f"smp.{name}", run)


def user_check(design: str, cpus: int, which: str, **boot) -> Check:
    """User tests on @cpus CPUs: all of them, or those that are about several CPUs."""
    name = f"{which}-{cpus}-cpus" + "".join(f"-{key}" for key in boot)

    def run() -> str:
        outcome = Boot(f"entry={design} tests={which}", cpus=cpus, what=name, timeout=900,
                       memory=USER_MEMORY, **boot).run()
        remark = expect_ktap(outcome)
        expect(outcome, "pass", cpus_line(cpus))
        return remark
    return Check(f"{design}.{name}", run)


def x2apic_check(design: str, which: str, cpus: int, **boot) -> Check:
    """The APIC's registers as MSRs, and interrupts between CPUs by one WRMSR, where this QEMU's TCG
    has that."""
    name = f"x2apic-{which}-{cpus}-cpus" + "".join(f"-{value}" for value in boot.values())

    def run() -> str:
        if not cpu_feature("x2apic"):
            raise Skipped("this QEMU's processor has no x2APIC")
        outcome = Boot(f"entry={design} tests={which}",
                       cpus=cpus,
                       x2apic=True,
                       what=name,
                       timeout=900,
                       **boot).run()
        remark = expect_ktap(outcome)
        expect(outcome, "pass", cpus_line(cpus) + r" x2APIC\b")
        return remark
    return Check(f"{design}.{name}", run)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(log: Path, text: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + IDLE_START
    while not (log.exists() and text in log.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"the log does not come to '{text}'",
                         log.read_text(errors="replace").splitlines()[-30:])
        time.sleep(0.1)


def idle_check(design: str) -> Check:
    """The one test that must watch a clock: CPUs with nothing to do cost the host next to
    nothing."""
    def run() -> str:
        boot = Boot(f"entry={design}", cpus=4, what="smp-idle")
        boot.log.parent.mkdir(parents=True, exist_ok=True)
        boot.log.unlink(missing_ok=True)
        command = boot.machine() + ["-monitor", "none", "-serial", f"file:{boot.log}"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(boot.log, WELCOME, process)
                before, start = cpu_seconds(process.pid), time.monotonic()
                time.sleep(IDLE_SECONDS)
                used, passed = cpu_seconds(process.pid) - before, time.monotonic() - start
            finally:
                process.kill()
        remark = f"{used:.2f} s of CPU time in {passed:.1f} s"
        if used > IDLE_SHARE * passed:
            raise Failed(remark + f": more than {IDLE_SHARE:.0%}")
        return remark
    return Check(f"{design}.smp-idle", run)


def torture_check(design: str) -> Check:
    """Threads that come and go for two seconds; `make torture` does it for longer."""
    def run() -> str:
        outcome = expect(
            Boot(f"entry={design} tests=torture-threads-2000",
                 cpus=4,
                 what="smp-torture",
                 timeout=600).run(), "pass")
        return re.search(r"^torture: (seed .*)$", outcome.text, re.M)[1]
    return Check(f"{design}.smp-torture", run)


def turns_check(design: str) -> Check:
    """The same for 30 million instructions of all CPUs in turn. A program that keeps the turn
    costs a hundred times as many; under icount that is a count, not a time."""
    def run() -> str:
        outcome = expect(
            Boot(f"entry={design} tests=torture-threads-{TURNS_MS}",
                 cpus=4,
                 icount=True,
                 what="smp-torture").run(), "pass")
        summary = re.search(r"^torture: (seed .* (\d+) ms: .*)$", outcome.text, re.M)
        if int(summary[2]) > TURNS_MS_MAX:
            raise Failed(f"more than {TURNS_MS_MAX} ms of the guest's time", [summary[0]])
        return summary[1]
    return Check(f"{design}.smp-torture-icount", run)


def checks() -> list[Check]:
    found = [kernel_check(d.name, n, n) for d in DESIGNS for n in (2, 4, 8)]
    for d in DESIGNS:
        found += [
            user_check(d.name, 2, "smp"),
            user_check(d.name, 4, "user"),
            user_check(d.name, 8, "smp"),
            user_check(d.name, 4, "smp", icount=True),
            torture_check(d.name)
        ]
        found.append(x2apic_check(d.name, "kernel", 4))
    found += [
        x2apic_check(LAST, "smp", 4),
        x2apic_check(LAST, "kernel", 1),
        x2apic_check(LAST, "kernel", 64),
        x2apic_check(LAST, "kernel", 4, mode="iso-uefi")
    ]
    found += [
        user_check(LAST, 2, "smp", icount=True),
        user_check(LAST, 8, "smp", icount=True),
        turns_check(LAST),
        idle_check(LAST)
    ]
    found += [
        kernel_check(LAST, 4, 2, " cpus=2"),
        kernel_check(LAST, 4, 1, " cpus=1"),
        kernel_check(LAST, 64, 64),
        kernel_check(LAST, 4, 4, icount=True),
        kernel_check(LAST, 4, 4, cpu="qemu64"),
        kernel_check(LAST, 4, 4, mode="iso-bios"),
        kernel_check(LAST, 4, 4, mode="iso-uefi"),
        said_check("more-than-64", 66, "", r"acpi: 2 CPUs are left out", cpus_line(64)),
        said_check("fewer-than-asked", 2, "cpus=3", r"cpus=3, but this machine has 2",
                   cpus_line(2)),
    # On the other machines SeaBIOS makes tables of its own where QEMU has none.
        said_check("no-acpi",
                   2,
                   "",
                   r"^acpi: no MADT: assuming one CPU",
                   cpus_line(1),
                   extra=["-M", "microvm,acpi=off"]),
        said_check("silent-cpu", 2, "inject=ap-silent", r"APIC id 1 is left out: it does not start",
                   cpus_line(1)),
    ]
    return found
