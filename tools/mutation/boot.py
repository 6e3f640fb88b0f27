# SPDX-License-Identifier: MIT
"""Boot a kernel that may hang: bounded by the processor time that QEMU uses, not by the clock.

The clock says little on a busy machine. A guest that spins uses processor time and is stopped when
it has used several times what the unchanged kernel takes; one that idles is stopped when it has
done next to nothing for a while, long after it should have ended.
"""
import os
import re
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lib.boots import Boot, running
from lib.outcome import Outcome

CPU_FACTOR, CPU_EXTRA = 5, 1.0      # seconds of processor time
WALL_FACTOR, WALL_EXTRA = 5, 3.0    # seconds after which an idle guest is given up
# idle: less than this share of one processor over so many seconds
IDLE_SHARE, IDLE_SPAN = 0.1, 1.5
# whatever happens, or so many times what the unchanged kernel takes
WALL_LIMIT = 120
WALL_LIMIT_FACTOR = 10
STOPPED_EARLY = -1                  # the status of a boot that was stopped because it had failed
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Limits:
    """What the unchanged kernel takes. Both 0: nothing is known yet."""
    cpu: float = 0.0
    wall: float = 0.0

    def exceeded(self, cpu, wall, share):
        """Is it a hang? @share: part of one processor used lately."""
        if wall > max(WALL_LIMIT, self.wall * WALL_LIMIT_FACTOR):
            return True
        if not self.cpu:
            return False
        return cpu > self.cpu * CPU_FACTOR + CPU_EXTRA or \
            (wall > self.wall * WALL_FACTOR + WALL_EXTRA and share < IDLE_SHARE)


def cpu_seconds(pid):
    """Processor time that process @pid has used so far."""
    fields = Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def waiting(pid):
    """(seconds that process @pid has been ready without a processor, does it wait for one
    now?): of its threads that which has waited most. On a busy machine that is most of the
    time, and no sign of a guest that idles."""
    most, now = 0, False
    for task in Path("/proc/%d/task" % pid).iterdir():
        try:
            most = max(most, int((task / "schedstat").read_text().split()[1]))
            now |= (task / "stat").read_text().rsplit(")", 1)[1].split()[0] == "R"
        except (OSError, IndexError):
            pass            # the thread has ended
    return most / 1e9, now


class Stopped(Exception):
    """The run is being interrupted."""


def run(boot: Boot, limits: Limits, stop=None, failed=None):
    """(Outcome, processor seconds). @stop: an Event that ends it with Stopped. @failed: a
    pattern; a boot that prints it is not waited for."""
    boot.log.parent.mkdir(parents=True, exist_ok=True)
    boot.log.unlink(missing_ok=True)
    command = boot.machine() + ["-monitor", "none", "-serial", "file:%s" % boot.log]
    start = time.monotonic()
    proc = subprocess.Popen(command,
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL,
                            start_new_session=True)
    running.add(proc)
    try:
        status, cpu = _wait(proc, limits, start, stop,
                            lambda: failed and _printed(boot.log, failed))
    finally:
        proc.kill()
        proc.wait()
        running.discard(proc)
    return Outcome(status, boot.log, time.monotonic() - start), cpu


def _printed(log, pattern):
    return log.exists() and pattern.search(log.read_text(errors="replace"))


def _wait(proc, limits, start, stop, has_failed):
    """(status, or None when it hung; processor seconds)."""
    ended = select.poll()
    handle = os.pidfd_open(proc.pid)
    ended.register(handle, select.POLLIN)
    marks = [(0.0, 0.0)]
    try:
        while not ended.poll(100):
            cpu = cpu_seconds(proc.pid)
            waited, wants = waiting(proc.pid)
            wall = max(cpu / 4, time.monotonic() - start - waited)      # that it could have used
            if wants:
                marks = [(wall, cpu)]
            while len(marks) > 1 and wall - marks[1][0] > IDLE_SPAN:
                marks.pop(0)
            span = wall - marks[0][0]
            share = (cpu - marks[0][1]) / span if span > IDLE_SPAN / 2 else 1.0
            marks.append((wall, cpu))
            if stop is not None and stop.is_set():
                raise Stopped
            if limits.exceeded(cpu, wall, share):
                return None, cpu
            if has_failed():
                return STOPPED_EARLY, cpu
        cpu = cpu_seconds(proc.pid)     # a zombie's are still there
        return proc.wait(), cpu
    finally:
        os.close(handle)


def signature(outcome: Outcome) -> str:
    """How it ended, short, and the same whatever the addresses are."""
    if outcome.status is None:
        return "hang"
    lines = outcome.lines
    for pattern in (r"PANIC: (.*)", r"# (\w+ was killed by vector \d+)", r"# (tests/\S+?:\d+: .*)",
                    r"not ok \d+ -? ?(.*)", r"kill: (.*)"):
        found = next((m for m in (re.match(pattern, line) for line in lines) if m), None)
        if found:
            kind = "panic: " if pattern.startswith("PANIC") else ""
            return normal(kind + found[1])
    if outcome.status == 0:
        return "triple fault"
    return "verdict %s, QEMU status %s" % (outcome.verdict, outcome.status)


def normal(text: str) -> str:
    """@text without numbers that another build or run would change."""
    text = re.sub(r"\b(0x)?[0-9a-f]*[0-9][0-9a-f]{5,}\b|\b0x[0-9a-f]+\b|\b[0-9a-f]{8,16}\b", "#",
                  text)
    text = re.sub(r"\berror [0-9a-f]{3,}\b|\b\d{4,}\b", lambda m: "error #"
                  if m[0][0] == "e" else "#", text)
    text = re.sub(r"(process|thread|CPU|cpu) \d+", r"\1 #", text)
    return re.sub(r"\s+", " ", text).strip()[:90]
