# SPDX-License-Identifier: MIT
"""Machine checks from the host: the guest stops at a seeded instruction of entry text, QEMU's
monitor sends one.

The error is one that loses nothing (uncorrected, but RIPV, no PCC, no AR: SDM vol. 3B, 16.6), so
the kernel must go on as if nothing had been.  Not at #MC's own entry: a second one in there is a
shutdown, by the hardware's rule.
"""
import random
import re

from lib import paths
from lib.gdb import GdbError
from lib.gdbboot import GdbBoot

from .boots import PAIR_PATHS, FireError, Sweep, parse

CPU = "max,vendor=GenuineIntel"      # on AMD no uncorrected error loses nothing
COMMAND = "mce 0 9 0xbd00000000000000 0x5 0x1000 0x8c"
OWN_ENTRY = re.compile(r"^machine_check\b|^stubs\+0x12[0-9a-f]$")


def points(text, undisturbed, seed, count):
    """@count offsets that the paths of one CPU reach, each as often as any other."""
    taken = [
        offsets for path, offsets in undisturbed.paths.items() if not path.startswith(PAIR_PATHS)
    ]
    reached = sorted(o for o in set().union(*taken)
                     if o in text.place and not OWN_ENTRY.search(text.place[o]))
    choose = random.Random(seed)
    chosen = []
    while len(chosen) < count:
        chosen += choose.sample(reached, min(len(reached), count - len(chosen)))
    return chosen


def send(design, text, undisturbed, seed=1, count=200, also=()):
    """Send @count, and one to each of @also; the offsets where they came.  FireError when one was
    missed or harmed."""
    log = paths.build() / "log" / f"{design.name}-1-icount-fire-mc.log"
    chosen = points(text, undisturbed, seed, count) + list(also)
    try:
        words = f"entry={design.name} tests=fire-mc-{len(chosen)} seed={seed}"
        with GdbBoot(paths.build(), words, log, cpu=CPU) as boot:
            for offset in chosen:
                boot.gdb.run_to(undisturbed.pieces.address(offset))
                boot.gdb.monitor(COMMAND)
            boot.gdb.resume_or_end()
            boot.expect_pass()
    except GdbError as error:
        raise FireError(f"{design.name}: machine checks, seed {seed}: {error}",
                        log.read_text(errors="replace").splitlines()[-30:]) from None
    found = Sweep()
    parse(log.read_text(errors="replace").replace("\r", ""), found)
    came = set(found.seen.get("all", {}).get("mc", {}))
    if came != set(chosen):
        raise FireError(
            f"{design.name}: machine checks at {len(came)} places, sent to {len(set(chosen))}")
    return came
