# SPDX-License-Identifier: MIT
"""The shipped image: the files inside the ISO, its hashes, and who made and ran it.

Figures are taken from the kernel and the archive that lie in the ISO, never from a file of the
build directory that could be another one.
"""
import hashlib
import os
import re
import subprocess
from pathlib import Path

from lib.paths import ROOT


def sha256(path):
    """Hex SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def extract(iso, directory):
    """Take kernel and boot archive out of @iso into @directory, named as the boot runner wants
    them."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("vestibule.elf", "archive.tar"):
        target = directory / name
        target.unlink(missing_ok=True)
        done = subprocess.run(["xorriso", "-osirrox", "on", "-indev", str(iso),
                               "-extract", "/boot/" + name, str(target)],
                              capture_output=True, text=True)
        if done.returncode or not target.exists():
            raise RuntimeError("cannot take /boot/%s out of %s:\n%s" % (name, iso, done.stderr))
        target.chmod(0o644)
    return directory


def unpack_program(archive, name, target):
    """Take program @name out of the boot archive @archive."""
    with open(target, "wb") as f:
        subprocess.run(["tar", "-xOf", str(archive), name], stdout=f, check=True)
    return target


def _first_line(*command):
    try:
        out = subprocess.run(command, capture_output=True, text=True).stdout
    except OSError:
        return "unknown"
    return (out.splitlines() or ["unknown"])[0].strip()


def _prefix():
    """The cross toolchain's prefix, as the Makefile finds it."""
    if "CROSS_COMPILE" in os.environ:
        return os.environ["CROSS_COMPILE"]
    setup = ROOT / "tools" / "setup.sh"
    return subprocess.run(["/bin/sh", str(setup), "toolchain"], capture_output=True,
                          text=True).stdout.strip()


def tools():
    """{tool: version} of what makes and runs an image."""
    prefix = _prefix()
    qemu = re.search(r"version (\S+)", _first_line("qemu-system-x86_64", "--version"))
    return {
        "qemu": qemu.group(1) if qemu else "unknown",
        "compiler": _first_line(prefix + "gcc", "--version"),
        "binutils": _first_line(prefix + "ld", "--version"),
        "nasm": _first_line("nasm", "--version"),
    }


def meta(iso, kernel, cpu_model, hardening):
    """What every number carries with it. @hardening: of the kernel, from hardening.line()."""
    return {
        "accelerator": "tcg, icount shift=0,sleep=off",
        "cpu_model": cpu_model,
        "cpus": 1,
        **tools(),
        "iso_sha256": sha256(iso),
        "kernel_sha256": sha256(kernel),
        "hardening": hardening,
    }


def meta_line(m):
    """The meta data on one line, for a table's foot."""
    return ("QEMU %s, %s, -cpu %s, %d CPU; %s; %s; %s; ISO sha256 %s, kernel sha256 %s; %s"
            % (m["qemu"], m["accelerator"], m["cpu_model"], m["cpus"], m["compiler"],
               m["binutils"], m["nasm"], m["iso_sha256"][:16], m["kernel_sha256"][:16],
               m["hardening"]))
