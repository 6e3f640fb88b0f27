# SPDX-License-Identifier: MIT
"""building.py - make builds the same image anywhere, and takes nothing torn for good.

In copies of the tree.  A copy is given what has been built already, so most checks, here and in
rebuilding.py, cost a step or two of the build.
"""
import filecmp
import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from check import ROOT, Check, Failed, Skipped, cross
from lib import paths
from lib.treecopy import copy_build, copy_sources, environment

STRANGE = "it's a place"                        # a folder's name
OTHER_UMASK = 0o077                             # the usual one is 022
TIMEOUT = 900                                   # seconds; detects hangs


def run(tree: Path, *command: str, path: Path | None = None, **more) -> subprocess.CompletedProcess:
    """A command in @tree, a process group of its own; @path: a folder whose programs come first."""
    env = environment()
    env["PATH"] = f"{path}:{env['PATH']}" if path else env["PATH"]
    return subprocess.run(command, cwd=tree, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=TIMEOUT, start_new_session=True,
                          **more)


def make(tree: Path, *words: str, **more) -> None:
    """make with the tools known to be there; Failed with its output when it fails."""
    done = run(tree, "make", "-s", "-j2", "TOOLS_READY=yes", *words, **more)
    expect_success(done, f"make {' '.join(words)}")


def expect_success(done: subprocess.CompletedProcess, what: str) -> None:
    if done.returncode:
        raise Failed(f"{what}: status {done.returncode}",
                     (done.stdout + done.stderr).splitlines()[-20:])


@contextmanager
def built_copy() -> Iterator[Path]:
    """A copy of the tree that has been built, nothing to be done."""
    with tempfile.TemporaryDirectory(prefix="building-") as tmp:
        tree = Path(tmp) / "tree"
        copy_sources(ROOT, tree)
        copy_build(paths.build(), tree / "build")
        make(tree, "all", "iso")
        yield tree


def made_files(build: Path) -> dict[str, bytes]:
    """All files of a build directory by their names."""
    return {str(p.relative_to(build)): p.read_bytes() for p in sorted(build.rglob("*"))
            if p.is_file() and p.suffix != ".pyc"}


# --- anywhere: one build under all that is odd about a place, and a person's order of words ------

def check_out(tree: Path) -> None:
    """The sources as git gives them with core.autocrlf, and as a copy without run bits has them."""
    if not shutil.which("git"):
        raise Skipped("no git")
    copy_sources(ROOT, tree)

    def git(*words: str) -> bytes:
        return subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True).stdout
    git("init", "-q")
    git("add", "-A")
    for name in filter(None, git("ls-files", "-z").split(b"\0")):
        (tree / os.fsdecode(name)).unlink()
    git("-c", "core.autocrlf=true", "checkout", "-q", ".")
    for path in tree.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    shutil.rmtree(tree / ".git")


def look_of(tree: Path) -> dict[str, tuple]:
    """Every file of @tree with what would change were it written."""
    return {str(p): (s.st_mtime_ns, s.st_size, stat.filemode(s.st_mode))
            for p in tree.rglob("*") for s in [p.lstat()]}


def slow_rm(directory: Path) -> Path:
    """A folder with a slow rm: who does not wait for `clean` loses what he has built."""
    directory.mkdir()
    (directory / "rm").write_text(f"#!/bin/sh\nsleep 1\nexec {shutil.which('rm')} \"$@\"\n")
    (directory / "rm").chmod(0o755)
    return directory


def anywhere() -> str:
    """A blank and a quote in the path, CRLF wanted by git, no run bits, another umask, nothing to
    write in the sources, `clean` and `iso` in one command: the same image."""
    with tempfile.TemporaryDirectory(prefix="building-") as tmp:
        tree, build = Path(tmp) / STRANGE, Path(tmp) / "elsewhere"
        check_out(tree)
        build.mkdir()
        (build / "stale").touch()
        before = look_of(tree)
        done = run(tree, "make", "-j4", f"BUILD={build}", "clean", "iso", umask=OTHER_UMASK,
                   path=slow_rm(Path(tmp) / "bin"))
        expect_success(done, "make clean iso")
        if (build / "stale").exists():
            raise Failed("`make clean iso` did not clean")
        if changed := {name for name, _ in before.items() ^ look_of(tree).items()}:
            raise Failed("the build wrote into the sources", sorted(changed))
        if not filecmp.cmp(paths.iso(), build / "vestibule.iso", shallow=False):
            raise Failed(f"{paths.iso()} and the image built elsewhere differ")
    return "same image"


# --- broken off: what a failed command leaves is not taken for good ------------------------------

# tool -> what it makes; it writes half of that and fails, or is killed with make and all
TORN = {"xorriso": "vestibule.iso", "tar": "archive.tar", "ld": "vestibule.elf"}

FAKE = """#!/bin/sh
{tool} "$@"
for out; do
	case $before in -o | -cf) truncate -s 1000 "$out" ;; esac
	before=$out
done
{end}
"""


def fake_tool(directory: Path, tool: str, end: str) -> Path:
    """A folder with a @tool that tears what it has written, and then does @end."""
    prefixes = (cross(), "x86_64-elf-", "x86_64-linux-gnu-", "")
    directory.mkdir()
    for name in filter(shutil.which, {prefix + tool for prefix in prefixes}):
        (directory / name).write_text(FAKE.format(tool=shutil.which(name), end=end))
        (directory / name).chmod(0o755)
    return directory


def torn() -> None:
    with built_copy() as tree:
        good = made_files(tree / "build")
        for tool, product in TORN.items():
            for how, end in (("fails", "exit 1"), ("is killed", "kill -KILL 0")):
                (tree / "build" / product).unlink()
                words = ["make", "-s", "-j2", "TOOLS_READY=yes", f"build/{product}"]
                fakes = fake_tool(tree.parent / f"{tool} {how}", tool, end)
                if not run(tree, *words, path=fakes).returncode:
                    raise Failed(f"{tool} {how}, and make does not notice")
                make(tree, f"build/{product}")
                if (tree / "build" / product).read_bytes() != good[product]:
                    raise Failed(f"{tool} {how}: the torn {product} is taken for good")


def blank_in_build() -> None:
    """make cannot do that: it says so, and removes nothing."""
    for value in ("two words", ""):
        done = run(ROOT, "make", "-n", f"BUILD={value}", "clean")
        if not done.returncode or "BUILD=" not in done.stderr:
            raise Failed(f"BUILD='{value}' is not refused", done.stderr.splitlines()[-5:])


def checks() -> list[Check]:
    return [Check("building.anywhere", anywhere), Check("building.torn", torn),
            Check("building.blank-in-build", blank_in_build)]
