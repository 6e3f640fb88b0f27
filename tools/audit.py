#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""audit.py - compare the supervisor pages of every process's user root with what they must be.

    audit.py LOG [KERNEL.elf]     print what is wrong in a boot's serial log, one sentence a line

How that is worked out: tools/lib/audit.py.
"""
import sys
from pathlib import Path

from lib.audit import check
from lib.elf import Elf
from lib.paths import kernel


def main() -> int:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    elf = Elf(sys.argv[2] if len(sys.argv) > 2 else kernel())
    found = check(Path(sys.argv[1]).read_text(errors="replace"), elf)
    print("\n".join(found) if found else "every supervisor page is as it must be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
