# SPDX-License-Identifier: MIT
"""host.py - unit tests that need no machine: tests/host/test_*.c with cmocka and the sanitizers,
test_*.py as they are.

A C test names the sources it needs in one of its first five lines: `/* sources: mm/frames.c ...
*/`. A Python test finds what it tests in tools/: by hand, `PYTHONPATH=tools python3
tests/host/test_x.py`.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

from check import ROOT, Check, Failed
from lib import paths

HANG_AFTER = 240        # seconds; the longest takes a tenth on an idle machine
HOST_CC = os.environ.get("HOST_CC", "gcc")
FLAGS = ["-std=gnu11", "-g", "-Wall", "-Wextra", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", "-DVESTIBULE_HOST", "-I."]


def sources(test: Path) -> list[str]:
    head = "\n".join(test.read_text().splitlines()[:5])
    found = re.search(r"/\* sources: (.*?) ?\*/", head, re.S)
    if not found:
        raise Failed(f"{test.relative_to(ROOT)}: its first 5 lines lack /* sources: a.c b.c */")
    return found[1].split()


def host_check(test: Path) -> Check:
    def run() -> str:
        program = paths.build() / "host" / test.stem
        program.parent.mkdir(parents=True, exist_ok=True)
        command = [
            HOST_CC, *FLAGS, f"-I{paths.build()}/gen",
            str(test.relative_to(ROOT)), *sources(test), "-o",
            str(program), "-lcmocka"
        ]
        call(command, "does not compile")
        env = {**os.environ, "CMOCKA_MESSAGE_OUTPUT": "STDOUT", "ASAN_OPTIONS": "detect_leaks=0"}
        out = call([str(program)], "failed", env=env)
        passed = re.search(r"\[  PASSED  \] (\d+) test", out)
        if not passed or passed[1] == "0":
            raise Failed("no test ran", out.splitlines()[-30:])
        return f"{passed[1]} tests"
    return Check(f"host.{test.stem}", run)


def python_check(test: Path) -> Check:
    def run() -> str:
        out = call([sys.executable, str(test)],
                   "failed",
                   env={**os.environ, "PYTHONPATH": str(ROOT / "tools")})
        ran = re.search(r"^Ran (\d+) test", out, re.M)
        if not ran or ran[1] == "0":
            raise Failed("no test ran", out.splitlines()[-30:])
        return f"{ran[1]} tests"
    return Check(f"host.{test.stem}", run)


def call(command: list[str], wrong: str, env: dict | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True,
                              errors="replace", timeout=HANG_AFTER)
    except subprocess.TimeoutExpired:
        raise Failed(f"it hangs: no end after {HANG_AFTER} s", [" ".join(command)]) from None
    text = done.stdout + done.stderr
    if done.returncode:
        raise Failed(f"{wrong} (status {done.returncode})",
                     [" ".join(command)] + text.splitlines()[-30:])
    return text


def checks() -> list[Check]:
    tests = ROOT / "tests" / "host"
    return ([host_check(t) for t in sorted(tests.glob("test_*.c"))]
            + [python_check(t) for t in sorted(tests.glob("test_*.py"))])
