# SPDX-License-Identifier: MIT
"""Try the ladder's steps on a patched tree."""
import json
import re
import sys
import threading
from pathlib import Path

from lib.boots import Boot
from lib.paths import ROOT
from lib.treecopy import environment
from mutation import boot as bounded
from mutation.image import image_hash
from mutation.lab import NotPassing, complaint, passed

from .ladder import NEEDS_ISO, HostTests, steps
from .tree import tree_hash

CHECK_LIMIT = 900           # seconds
FAILED = re.compile(r"^not ok .*\n", re.M)


def boot_of(step, build: Path, what: str) -> Boot:
    return Boot(cmdline=f"entry={step.design} tests={step.name}",
                cpus=step.cpus,
                icount=step.icount,
                what=f"{what}-{step.name}",
                build=build)


def check_command(step, root: Path, build: Path) -> str:
    """"" when the checks of @step pass on what was built of @root in @build, else the first one's
    complaint."""
    command = [sys.executable, str(root / "tools" / "run_tests.py"), step.name]
    return complaint(command, {**environment(), "BUILD": str(build)}, CHECK_LIMIT, root)


class Baseline:
    """What the unchanged kernel does with each step: measured when first asked for, and kept."""

    def __init__(self, made: Path, cache: Path, stop=None):
        self.made, self.cache, self.stop, self.lock = made, cache, stop, threading.Lock()
        self.image = image_hash(made) + tree_hash(ROOT)
        known = json.loads(cache.read_text()) if cache.exists() else {}
        self.taken = known["taken"] if known.get("image") == self.image else {}

    def _keep(self, step, value):
        self.taken[step.title] = value
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        self.cache.write_text(json.dumps({"image": self.image, "taken": self.taken}) + "\n")

    def limits(self, step) -> bounded.Limits:
        """Of a boot."""
        with self.lock:
            if step.title not in self.taken:
                outcome, cpu = bounded.run(boot_of(step, self.made, "seeded-base"),
                                           bounded.Limits(wall=240), self.stop)
                if not passed(outcome):
                    raise NotPassing(
                        f"the unchanged kernel does not pass '{step.title}': {outcome.describe()}")
                self._keep(step, [round(cpu, 3), round(outcome.seconds, 3)])
            return bounded.Limits(*self.taken[step.title])

    def confirm(self, step) -> None:
        """A check that failed says something only if it passes without the bug."""
        with self.lock:
            if step.title not in self.taken:
                if why := check_command(step, ROOT, self.made):
                    raise NotPassing(f"the unchanged tree does not pass '{step.title}': {why}")
                self._keep(step, [])


class Lab:
    """@host and @base are those of the unchanged tree."""

    def __init__(self, made: Path, directory: Path, near=False, stop=None):
        self.near = near
        self.host = HostTests(ROOT)
        self.base = Baseline(made, directory / "base.json", stop)
        self.stop = stop

    def noticed(self, step, tree) -> str:
        """"" when @step passes in @tree, else how it failed. What does not come out the same each
        time has to fail twice: a busy machine is no bug."""
        why = self.failed(step, tree)
        return why and (why if step.repeats else self.failed(step, tree))

    def failed(self, step, tree) -> str:
        """The same of one try."""
        if step.kind == "boot":
            outcome, _ = bounded.run(boot_of(step, tree.build, "seeded"), self.base.limits(step),
                                     self.stop, FAILED)
            return "" if passed(outcome) else bounded.signature(outcome)
        if step.kind == "proof":
            why = tree.make("all")
            return bounded.normal(why.splitlines()[-1]) if why else ""
        if NEEDS_ISO.search(step.title):
            tree.make("all", "iso")
        why = check_command(step, tree.path, tree.build)
        if why:
            self.base.confirm(step)
        return why

    def attempt(self, patch, tree, known, row, keep) -> dict:
        """The result row that @row, all that has been tried before, becomes: one step after
        the other until one notices @patch. @keep(row) after each, so that an interrupted
        climb goes on where it was."""
        done = row["tried"]
        row = {
            "patch": patch.digest, "name": patch.name, "tried": list(done), "killed_by": None,
            "signature": "", "whole": False
        }
        with tree.with_patch(patch):
            for step in steps(patch, self.host, known, self.near):
                if self.stop is not None and self.stop.is_set():
                    raise bounded.Stopped
                if step.title in done:
                    continue
                if why := self.noticed(step, tree):
                    return {**row, "killed_by": step.title, "signature": why, "whole": True}
                row["tried"].append(step.title)
                keep(row)
        return {**row, "whole": not self.near}
