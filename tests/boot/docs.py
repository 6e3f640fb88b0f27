# SPDX-License-Identifier: MIT
"""docs.py - what README and the other documents name exists: files, functions, labels, make targets."""
import subprocess
import sys

from check import ROOT, Check, Failed


def names_exist() -> str:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "check_docs.py")], capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode:
        raise Failed(f"{len(lines)} names are gone", lines)
    return lines[-1]


def checks() -> list[Check]:
    return [Check("docs.names", names_exist)]
