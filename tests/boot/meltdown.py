# SPDX-License-Identifier: MIT
"""meltdown.py - the exposure figures of secrets, as the benchmark reports them, hold what a split
table promises."""
import re

from check import DESIGNS, EXPOSURE, Boot, Check, Failed, expect, report

KERNELS_OWN = ("data", "heap", "kstack", "private")
SECRETS = (*KERNELS_OWN, "process", "registers")
READERS = ("unrelated", "sibling", "unrelated_at_once", "sibling_at_once")


def expected(split: bool, secret: str, reader: str) -> bool | None:
    """Is @secret read?  None: that is the design's own matter, and a figure."""
    if not split:
        return True
    if secret == "process":
        return reader.startswith("sibling")     # its own memory
    return None if secret == "registers" else False


def meltdown_check(design: str) -> Check:
    def run() -> str:
        outcome = expect(Boot(f"entry={design} bench=exposure", what="meltdown").run(), "pass")
        figures = dict(re.findall(r"^BENCH exposure\.secret_(\w+) ([01])$", outcome.text, re.M))
        for secret in SECRETS:
            for reader in READERS:
                seen = figures.get(f"{secret}_{reader}")
                wanted = expected(EXPOSURE[design]["split"], secret, reader)
                if seen is None or wanted is not None and seen != str(int(wanted)):
                    raise Failed(f"{secret} by {reader}: {seen}, expected {wanted}",
                                 report(outcome))
        readers = [r.replace("_", " ") for r in READERS if figures[f"registers_{r}"] == "1"]
        return f"registers of a sleeping thread: {', '.join(readers) or 'nobody'}"
    return Check(f"{design}.meltdown", run)


def checks() -> list[Check]:
    return [meltdown_check(d.name) for d in DESIGNS]
