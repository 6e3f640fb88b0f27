# SPDX-License-Identifier: MIT
"""hangs.py - a boot that hangs ends with each CPU's state and with what each thread waits for."""
import os
import re
import subprocess

from check import (DESIGNS, ROOT, WELCOME, Boot, Check, Failed, Outcome, gdb_socket, report,
                   under_gdb)
from lib import paths
from lib.designs import Design
from lib.elf import built_kernel

TID = r"^hang: thread (\d+) is to {}$"


def expect_lines(text: str, patterns: list[str], detail: list[str]) -> None:
    for pattern in patterns:
        if not re.search(pattern, text, re.M):
            raise Failed(f"what is said about the hang lacks /{pattern}/", detail)


def state_of(outcome: Outcome) -> str:
    """What was found out about a boot that must have hung; in its report, too."""
    if outcome.verdict != "timeout":
        raise Failed(outcome.describe(), report(outcome))
    text = "\n".join(line.strip() for line in report(outcome))
    return text[text.index("where it hangs:"):] if "where it hangs:" in text else ""


def waits_check(design: str, cpus: int) -> Check:
    """tests/programs/hang.c: a thread that waits in each way, one that spins, one that is
    stopped."""
    def run() -> None:
        outcome = Boot(f"entry={design} tests=hang", cpus=cpus, what="hang",
                       hangs_at="all wait").run()
        text = state_of(outcome)
        tid = {what: re.search(TID.format(what), outcome.text, re.M)[1]
               for what in ("sleep", "nap", "be stopped", "wait", "join", "spin")}
        child = re.search(r"^hang: child (\d+),", outcome.text, re.M)[1]
        expect_lines(text, [
            rf"^CPU {cpus - 1}: \w+ mode, interrupts o",
            r"^process 1 \(init\): 1 thread$",
            r"^thread \d+: blocked, CPU \d+, in wait\(pid=\d+\): process \d+ \(hang\) has 7 "
            r"threads$",
            rf"^thread {tid['sleep']}: sleeping, CPU 0, in sleep\(timeout_ns=0\): until wake\(\)$",
            rf"^thread {tid['nap']}: sleeping, CPU 0, in sleep\(timeout_ns=0x\w+\): until "
            rf"wake\(\) or the time is up$",
            rf"^thread {tid['be stopped']}: blocked, .*stopped until thread_resume\(\).* "
            rf"\w+\+0x\w+ of hang$",
            rf"^thread {tid['wait']}: blocked, CPU 0, in wait\(pid={child}\): process {child} "
            rf"\(hang\) has 1 thread$",
            rf"^thread {tid['join']}: blocked, CPU 0, in thread_join\(tid={tid['sleep']}\): "
            rf"thread {tid['sleep']} is sleeping\n(at .*\bthread_join\+0x)",
            rf"^thread {tid['spin']}: (running|ready), CPU",
        ], report(outcome))
        if cpus > 1:
            expect_lines(text, [
                r"^CPU \d+: kernel mode, interrupts on, .*, idle\n.*\nthread: idle$",
                r"hang_spin\+0x\w+ of hang\nthread: \d+ of process \d+ \(hang\)$"
            ], report(outcome))
    return Check(f"{design}.hang-{cpus}-cpus", run)


def deadlock_check(design: str) -> Check:
    """A guest that answers nothing more: interrupts off, waiting for a lock that it holds."""
    def run() -> None:
        outcome = Boot(f"entry={design} inject=deadlock",
                       what="hang-deadlock",
                       hangs_at="INJECT: deadlock").run()
        expect_lines(state_of(outcome), [
            r"^CPU 0: kernel mode, interrupts off, cr3 0x", r"^rip 0x\w+ \w+\+0x",
            r"^from .*\binject_late\+0x\w+, boot_thread\+0x", r"^taken: .*\binject_lock\b"
        ], report(outcome))
    return Check(f"{design}.hang-deadlock", run)


def never_started() -> None:
    """There is no kernel to ask: the CPU's state is told all the same."""
    outcome = Boot(what="hang-never-started", extra=["-S"], timeout=1).run()
    expect_lines(state_of(outcome), [
        r"^no thread can be told: the kernel has made no page table yet$",
        r"^CPU 0: not started, or not in long mode yet: rip 0xfff0$"
    ], report(outcome))


def no_gdb_stub() -> None:
    """A QEMU that does not answer is told as that, and no exception."""
    outcome = Boot(what="hang-deaf", extra=["-S"], timeout=1)
    # pylint: disable=protected-access
    outcome._examine = lambda _: Boot._examine(outcome, "/nonexistent")
    expect_lines(state_of(outcome.run()), [r"^the guest cannot be asked: .*No such file"], [])


def under_gdb_check(design: Design) -> Check:
    """A test under the gdb stub waits for what never comes."""
    def run() -> None:
        elf = built_kernel()
        try:
            with under_gdb(design, "", "hang-gdb") as boot:
                boot.gdb.run_to(elf.address("sched_sleep"))
                boot.gdb.run_to(elf.address("idle_halt"))
                boot.gdb.sock.settimeout(1)
                boot.gdb.run_to(elf.address("panic"))
        except Failed as failure:
            text = "\n".join(line.strip() for line in failure.detail)
            expect_lines(text, [r"^thread 1: sleeping, CPU 0, in sleep\(timeout_ns=0\)"],
                         failure.detail)
            return
        raise Failed("a plain boot panicked")
    return Check(f"{design.name}.hang-under-gdb", run)


def going_on_check(design: str) -> Check:
    """tools/hang.py on a guest that runs: it is told what init waits for, twice, so it went on in
    between."""
    def run() -> None:
        boot = Boot(f"entry={design}", what="hang-tool")
        with gdb_socket() as (socket, words):
            command = boot.machine() + ["-monitor", "none", "-serial", "stdio", *words]
            with subprocess.Popen(command,
                                  stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE,
                                  text=True) as qemu:
                try:
                    while WELCOME not in (line := qemu.stdout.readline()):
                        if not line:
                            raise Failed("QEMU ended")
                    for _ in range(2):
                        done = subprocess.run([str(ROOT / "tools/hang.py"), socket],
                                              capture_output=True,
                                              text=True,
                                              env={**os.environ, "BUILD": str(paths.build())},
                                              check=False)
                        expect_lines(done.stdout, [r"^process 1 \(init\): 1 thread$", r"^CPU 0: "],
                                     (done.stdout + done.stderr).splitlines())
                finally:
                    qemu.kill()
    return Check(f"{design}.hang-tool", run)


def checks() -> list[Check]:
    first, last = DESIGNS[0].name, DESIGNS[-1].name
    return [*(waits_check(d.name, 1) for d in DESIGNS), waits_check(first, 4), waits_check(last, 4),
            under_gdb_check(DESIGNS[-1]), deadlock_check(last), going_on_check(last),
            Check("hang.never-started", never_started), Check("hang.no-stub", no_gdb_stub)]
