# SPDX-License-Identifier: MIT
"""paths.py - where the sources are, and what was built of them.

BUILD of the environment may change while a command runs (--build), so it is asked each time.
"""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build() -> Path:
    """The build directory: BUILD of the environment, else build/ in the sources."""
    return Path(os.environ.get("BUILD") or ROOT / "build")


def use_build(directory) -> Path:
    """Have this program, and what it starts, take @directory from now on; its full path."""
    path = Path(directory).resolve()
    os.environ["BUILD"] = str(path)
    return path


def kernel() -> Path:
    return build() / "vestibule.elf"


def iso() -> Path:
    return build() / "vestibule.iso"


def run_socket() -> Path:
    """Holds the path of the gdb socket of `make run`'s guest, for tools/hang.py."""
    return build() / "run.gdb"
