# SPDX-License-Identifier: MIT
"""fuzzing.py - a short run of `make fuzz` in every design: random system calls, and what the
kernel keeps stays right.

Another SEED= makes other calls.
"""
import re

from check import DESIGNS, Boot, Check, Failed, expect_ktap
from lib import settings
from lib.designs import Design

CALLS = 25_000
CPUS = 4
SEED = settings.seed()
HANG_AFTER = 400        # seconds; on a busy machine


def fuzz_check(design: Design) -> Check:
    """Under icount: the same seed is the same run."""
    def run() -> str:
        outcome = Boot(f"entry={design.name} tests=fuzz-{CALLS} seed={SEED}",
                       cpus=CPUS,
                       icount=True,
                       what="fuzz",
                       timeout=HANG_AFTER).run()
        remark = expect_ktap(outcome)
        made = re.search(r"^fuzz: seed \d+, .*?: (\d+) calls, (\d+) processes", outcome.text, re.M)
        if not made or int(made[1]) < CALLS:
            raise Failed(f"{made[1] if made else 'no'} calls, {CALLS} are due")
        return f"{made[1]} calls of {made[2]} processes, seed {SEED}, {remark}"
    return Check(f"{design.name}.fuzz", run)


def checks() -> list[Check]:
    return [fuzz_check(d) for d in DESIGNS]
