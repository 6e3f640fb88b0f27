# SPDX-License-Identifier: MIT
"""A worker's own copy of the tree, in which a patch is applied, built, and taken back."""
import hashlib
import shutil
import subprocess
from pathlib import Path

from lib.treecopy import copy_build, copy_sources, environment, source_names

from .patches import BadPatch, Patch

BUILD_LIMIT = 600       # seconds; detects hangs
NOT_TRIED = ("docs/", "tests/seeded/")      # folders that change nothing for a patch
SEEDED = "tests/seeded"


def tree_hash(root: Path) -> str:
    """Of everything that a patch is tried with."""
    total = hashlib.sha256()
    for name in source_names(root):
        if not name.startswith(NOT_TRIED):
            total.update(name.encode() + b"\0" +
                         hashlib.sha256((root / name).read_bytes()).digest())
    return total.hexdigest()[:16]


class BareTree:
    """A tree that is only looked at."""

    def __init__(self, path: Path):
        self.path = path

    def command(self, *words: str, **more) -> subprocess.CompletedProcess:
        return subprocess.run(words,
                              cwd=self.path,
                              env=environment(),
                              capture_output=True,
                              text=True,
                              errors="replace",
                              timeout=BUILD_LIMIT,
                              start_new_session=True,
                              **more)

    def applies(self, patch: Patch) -> str:
        """"" when it does, wherever in its files, else why not."""
        done = self.command("patch", "-p1", "--dry-run", "--batch", "--forward", input=patch.diff)
        return "" if not done.returncode else (done.stdout + done.stderr).strip()


class Tree(BareTree):
    """A copy of @root below @directory, with what was built in @made; make starts from there."""

    def __init__(self, root: Path, made: Path, directory: Path):
        super().__init__(directory / "tree")
        self.build = self.path / "build"
        shutil.rmtree(directory, ignore_errors=True)
        copy_sources(root, self.path)
        copy_build(made, self.build)

    def make(self, *targets: str) -> str:
        """"" when it builds, else what was said last."""
        done = self.command("make",
                            "-s",
                            "-j2",
                            "TOOLS_READY=yes",
                            *targets,
                            stdin=subprocess.DEVNULL)
        return "" if not done.returncode else "\n".join(
            (done.stdout + done.stderr).splitlines()[-8:]) or "no reason"

    def with_patch(self, patch: Patch) -> "_Patched":
        """A context in which kernel and archive are those of @patch; BadPatch when there are
        none."""
        return _Patched(self, patch)


class _Patched:
    def __init__(self, tree: Tree, patch: Patch):
        self.tree, self.patch, self.before = tree, patch, {}

    def __enter__(self):
        if why := self.tree.applies(self.patch):
            raise BadPatch(f"{self.patch.name} does not apply: {why}")
        self.before = {name: (self.tree.path / name).read_bytes() for name in self.patch.files}
        self.tree.command("patch",
                          "-p1",
                          "--batch",
                          "--forward",
                          "--no-backup-if-mismatch",
                          input=self.patch.diff)
        if why := self.tree.make("build/vestibule.elf", "build/archive.tar"):
            self.__exit__()
            raise BadPatch(f"{self.patch.name} does not build: {why}")

    def __exit__(self, *_):
        for name, data in self.before.items():      # with new times: make must notice
            (self.tree.path / name).write_bytes(data)
