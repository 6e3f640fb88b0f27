# SPDX-License-Identifier: MIT
"""image.py - the shipped image: size, menu, one way to build it; and the set-up script's list."""
import filecmp
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from check import DESIGNS, ROOT, WELCOME, Boot, Check, Failed, cross, expect, report
from lib import paths

UMASKS = (0o022, 0o002, 0o077)
ISO_LIMIT = 4 * 1024 * 1024


def size() -> str:
    if paths.iso().stat().st_size > ISO_LIMIT:
        raise Failed(f"{paths.iso().stat().st_size} bytes; at most {ISO_LIMIT}")
    return f"{paths.iso().stat().st_size} bytes"


def same_again(umask: int) -> None:
    """Put together a second time, elsewhere and later and with another umask, the ISO has the same
    bytes."""
    with tempfile.TemporaryDirectory() as tmp:
        again = Path(tmp) / "again.iso"
        command = [
            sys.executable, ROOT / "tools" / "mkiso.py",
            paths.kernel(),
            paths.build() / "archive.tar", again
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, umask=umask,
                       env={**os.environ, "OBJCOPY": cross() + "objcopy"})
        if not filecmp.cmp(paths.iso(), again, shallow=False):
            raise Failed(f"{paths.iso()} and its rebuild differ")


def no_path_inside() -> None:
    """Neither the source tree's path nor the build's stands in the image."""
    data = paths.iso().read_bytes()
    for path in {str(ROOT), str(paths.build().resolve())}:
        if path.encode() in data:
            raise Failed(f"the ISO contains {path}")


def menu() -> None:
    """Without a command line from the host GRUB's menu shows on the serial line, and its default
    boots."""
    outcome = expect(Boot("", mode="iso-bios", what="menu", until=WELCOME).run(), "reached")
    for d in DESIGNS:
        if not re.search(rf"{re.escape(d.name)}: {re.escape(d.summary[:20])}", outcome.text):
            raise Failed(f"the menu lacks {d.name}", report(outcome))
    if "every design at once: a demonstration" not in outcome.text:
        raise Failed("the menu lacks the demonstration", report(outcome))


def setup_lists_everything() -> None:
    """On a machine without any tool, and without apt, every missing one is listed at once."""
    with tempfile.TemporaryDirectory() as tmp:
        env = {"PATH": tmp, "SETUP_ROOT": tmp, "PYTHON": tmp + "/python3"}
        done = subprocess.run(["/bin/sh", str(ROOT / "tools" / "setup.sh"), "all"], env=env,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
    text = done.stdout + done.stderr
    if done.returncode != 1:
        raise Failed(f"status {done.returncode}, expected 1", text.splitlines())
    needed = (
        "gcc binutils nasm grub-pc-bin grub-efi-amd64-bin grub-common xorriso mtools "
        "qemu-system-x86 "
        "ovmf python3 python3-pyelftools python3-capstone python3-matplotlib python3-pexpect "
        "libcmocka-dev "
        "patch clang libclang-rt-dev clang-tidy clang-format").split()
    command = next((line.split() for line in text.splitlines() if "apt-get install" in line), [])
    lacking = [p for p in needed if p not in command or f"(package {p})" not in text]
    if lacking:
        raise Failed("not listed: " + " ".join(lacking), text.splitlines())


def setup_is_quiet() -> None:
    """With everything there it says nothing, so every command can start with it."""
    done = subprocess.run(["/bin/sh", str(ROOT / "tools" / "setup.sh"), "test"],
                          capture_output=True,
                          text=True)
    if done.returncode or done.stdout or done.stderr:
        raise Failed(f"status {done.returncode}", (done.stdout + done.stderr).splitlines())


def checks() -> list[Check]:
    again = [Check(f"iso.same-again-{u:03o}", lambda u=u: same_again(u)) for u in UMASKS]
    return [
        *again,
        Check("iso.size", size),
        Check("iso.no-path", no_path_inside),
        Check("iso.menu", menu),
        Check("setup.lists-everything", setup_lists_everything),
        Check("setup.quiet", setup_is_quiet)
    ]
