# SPDX-License-Identifier: MIT
"""docs.py - what README and the other documents name exists: files, functions, labels, make
targets. The README's table is the one that docs/results.md gives."""
import subprocess
import sys

from check import DESIGNS, ROOT, Check, Failed
from vmeasure import pages


def names_exist() -> str:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "check_docs.py")],
                          capture_output=True,
                          text=True)
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode:
        raise Failed(f"{len(lines)} names are gone", lines)
    return lines[-1]


def tables_agree() -> str:
    texts = [page.read_text("utf-8") for page in (pages.RESULTS, pages.README, pages.MEASURING)]
    wrong = list(pages.problems(*texts, [d.name for d in DESIGNS]))
    if wrong:
        raise Failed(wrong[0], wrong)
    return f"{len(pages.SHORT)} rows"


def checks() -> list[Check]:
    return [Check("docs.names", names_exist), Check("docs.tables", tables_agree)]
