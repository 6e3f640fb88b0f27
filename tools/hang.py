#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""hang.py - what is the guest doing? Each CPU's state, and what each thread waits for.

    hang.py             the guest of `make run`, in another terminal
    hang.py SOCKET      any QEMU with -gdb unix:SOCKET,server,nowait

The guest is stopped, read through QEMU's gdb stub, and let go again; it need not be able to
answer, and notices nothing. Structures are found by name in the kernel's debug information (gdb),
so build/vestibule.elf (BUILD=) must be the kernel that runs.
"""
import os
import sys

from lib import paths
from lib.postmortem.report import examine


def main():
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    if len(sys.argv) == 2:
        path = sys.argv[1]
    elif (known := paths.run_socket()).exists():
        path = known.read_text().strip()
    else:
        sys.exit("hang: no `make run` is under way (there is no %s); else name the socket" % known)
    if not os.path.exists(path):
        sys.exit("hang: there is no socket %s: has that QEMU ended?" % path)
    print("\n".join(examine(path, paths.build(), resume=True)))


if __name__ == "__main__":
    main()
