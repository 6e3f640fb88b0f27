# SPDX-License-Identifier: MIT
"""entrydiff.py - `make diff`: every step of both designs with its number of instructions; a wrong
name is told."""
import os
import re
import subprocess
import sys

from check import DESIGNS, ROOT, Check, Failed
from lib import paths

LABEL = re.compile(r"^(\.?)(\w+):", re.M)
NUMBER = re.compile(r"\b\d+\b")


def diff(*names: str) -> subprocess.CompletedProcess:
    env = {k: v for k, v in os.environ.items() if k not in ("A", "B")}
    return subprocess.run([sys.executable, str(ROOT / "tools" / "diff.py"), *names],
                          capture_output=True,
                          text=True,
                          env={**env, "BUILD": str(paths.build())})


def steps(name: str) -> set[str]:
    """The local labels that stand in a design's own file."""
    return {
        "." + label
        for dot, label in LABEL.findall((ROOT / "entry" / f"{name}.asm").read_text()) if dot
    }


def compare(a: str, b: str) -> str:
    done = diff(a, b)
    lines = done.stdout.splitlines()
    if done.returncode:
        raise Failed(f"{a} {b}: status {done.returncode}", done.stderr.splitlines()[-15:])
    begin = next(i for i, line in enumerate(lines) if line.startswith("path"))
    table = lines[begin:]
    for name in (a, b):
        if gone := [
                s for s in steps(name)
                if not any(re.search(rf" \{s}( |$)", line) for line in table)
        ]:
            raise Failed(f"{a} {b}: the table lacks {', '.join(sorted(gone))} of {name}", table)
        if not re.search(rf"^{re.escape(name)}: \d+ instructions", done.stdout, re.M):
            raise Failed(f"{a} {b}: no sum for {name}", table)
    column = table[0].index(a)
    counted = [line[column:] for line in table[1:] if not line.startswith("stubs")]
    if not any(int(n) > 5 for line in counted for n in NUMBER.findall(line)):
        raise Failed(f"{a} {b}: the table holds no numbers", table)
    if sum(1 for line in lines[:begin] if len(line) > 100) < 50:
        raise Failed(f"{a} {b}: the sources do not stand side by side", lines[:10])
    return f"{len(table)} lines"


def every_pair() -> str:
    pairs = list(zip(DESIGNS, DESIGNS[1:] + DESIGNS[:1]))
    for a, b in pairs:
        compare(a.name, b.name)
    return f"{len(pairs)} pairs"


def wrong_names() -> None:
    good = DESIGNS[0].name
    for names, said in (((good, "nothing-like-it"), "B=nothing-like-it is no design"),
                        ((good, ), "B= is missing"), ((), "A= is missing"),
                        (("nothing-like-it", good), "A=nothing-like-it is no design")):
        done = diff(*names)
        if done.returncode != 1 or said not in done.stderr or not all(d.name in done.stderr
                                                                      for d in DESIGNS):
            raise Failed(f"{names}: status {done.returncode}",
                         (done.stdout + done.stderr).splitlines()[-15:])


def checks() -> list[Check]:
    return [Check("diff.pairs", every_pair), Check("diff.wrong-name", wrong_names)]
