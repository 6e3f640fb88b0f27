# SPDX-License-Identifier: MIT
"""Try killers on mutants: what the unchanged kernel does first, then one mutant after another."""
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from lib.boots import Boot
from lib.outcome import ktap
from lib.paths import ROOT

from . import boot as bounded
from .image import Copy
from .killers import PROOF

# timer interrupts come where they like: what is executed in any run counts
BASE_RUNS = 2
CHECK_LIMIT = 180           # seconds


class NotPassing(Exception):
    """The unchanged kernel fails a killer: nothing can be said about mutants."""


def machine(killer, design, copy, extra=()):
    """The Boot of @killer on the kernel in @copy."""
    return Boot(cmdline=killer.cmdline(design.name),
                cpus=killer.cpus,
                icount=killer.icount,
                what="mutant",
                build=copy.directory,
                extra=list(extra))


def passed(outcome):
    """Did everything go well, the KTAP lines' shape included?"""
    results, wrong = ktap(outcome.lines)
    return outcome.verdict == "pass" and not wrong and all(ok for ok, _ in results)


def complaint(command, env, limit=CHECK_LIMIT, cwd=ROOT):
    """"" when @command ends well, else why not: the first failed check's reason, or what is said
    last."""
    try:
        done = subprocess.run(command,
                              capture_output=True,
                              text=True,
                              errors="replace",
                              timeout=limit,
                              cwd=cwd,
                              env=env,
                              start_new_session=True,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "hang"
    if done.returncode == 0:
        return ""
    why = re.search(r"^(?:not ok .*\n# |proof: \S+ \S+ \([^)]*\): )(.*)", done.stdout + done.stderr,
                    re.M)
    return bounded.normal(why[1] if why else (done.stderr.splitlines() or ["no reason given"])[-1])


def run_check(killer, design, copy):
    """"" when the check passes on the kernel in @copy, else why not."""
    command = [
        sys.executable,
        str(ROOT / "tools" / "run_tests.py"),
        "%s.%s" % (design.name, killer.check)
    ]
    if killer.check == PROOF:
        command = [sys.executable, str(ROOT / "tools" / "prove.py"), "--design", design.name]
    return complaint(command, {**os.environ, "BUILD": str(copy.directory)})


class Baseline:
    """What the unchanged kernel takes, and which instructions of the entry text it executes, per
    killer."""

    def __init__(self, design, ranges, image, cache, stop=None):
        """@ranges: [(start, end)] of the entry text that runs in @design."""
        self.design, self.ranges, self.stop = design, ranges, stop
        self.lock = threading.Lock()
        self.cache = Path(cache)
        known = json.loads(self.cache.read_text()) if self.cache.exists() else {}
        self.killers = known["killers"] if known.get("image") == image else {}
        self.image = image

    def learn(self, killer, copy):
        """Run @killer on the unchanged kernel in @copy, if that has not been done."""
        if killer.title not in self.killers:
            base = self._check(killer, copy) if killer.check else self._boot(killer, copy)
            with self.lock:
                self.killers[killer.title] = base
                self.cache.write_text(
                    json.dumps({"image": self.image, "killers": self.killers}) + "\n")

    def limits(self, killer):
        base = self.killers[killer.title]
        return bounded.Limits(base["cpu"], base["wall"])

    def applies(self, killer, insn):
        """Can @killer notice anything at @insn?"""
        return killer.looks_at(insn) if killer.check else insn.address in self.killers[
            killer.title]["covered"]

    def _check(self, killer, copy):
        if why := run_check(killer, self.design, copy):
            raise NotPassing("%s: the unchanged kernel fails '%s': %s" %
                             (self.design.name, killer.title, why))
        return {}

    def _boot(self, killer, copy):
        trace = copy.directory / "in_asm"
        ranges = ",".join("%#x..%#x" % (start, end - 1) for start, end in self.ranges)
        extra = ["-d", "in_asm", "-dfilter", ranges, "-D", str(trace)]
        covered, cpu, wall = set(), 0.0, 0.0
        for _ in range(BASE_RUNS):
            trace.unlink(missing_ok=True)
            outcome, used = bounded.run(machine(killer, self.design, copy, extra), bounded.Limits(),
                                        self.stop)
            if not passed(outcome):
                raise NotPassing("%s: the unchanged kernel does not pass '%s': %s" % (
                    self.design.name, killer.title, outcome.describe()))
            covered |= {int(a, 16) for a in re.findall(r"^0x([0-9a-f]+):", trace.read_text(), re.M)}
            cpu, wall = max(cpu, used), max(wall, outcome.seconds)
        return {"cpu": round(cpu, 3), "wall": round(wall, 3), "covered": sorted(covered)}


def key(insn):
    """Which instruction it is, whatever its address: path.step+offset, or the stub's vector."""
    if insn.vector is not None:
        return "stubs.%d+%d" % (insn.vector, insn.offset)
    return "%s%s+%d" % (insn.path, "." + insn.step if insn.step else "", insn.offset)


def attempt(insn, design, copy, baseline, killers, stop=None):
    """A result row: @killers in their order on the mutant, until one kills it."""
    row = {
        "key": key(insn), "address": "%#x" % insn.address, "data": insn.data.hex(), "text":
        insn.text, "tried": [], "killed_by": None, "signature": ""
    }
    if not killers:
        return row
    with copy.mutated(insn.address, insn.data):
        for killer in killers:
            if killer.check:
                why = run_check(killer, design, copy)
            else:
                outcome, _ = bounded.run(machine(killer, design, copy), baseline.limits(killer),
                                         stop)
                why = "" if passed(outcome) else bounded.signature(outcome)
            if why:
                return {**row, "killed_by": killer.title, "signature": why}
            row["tried"].append(killer.title)
    return row


def workshop(build, count, directory):
    """@count build directories for as many workers."""
    return [Copy(build, Path(directory) / ("worker%d" % n)) for n in range(count)]
