# SPDX-License-Identifier: MIT
"""processors.py - what a processor cannot be told is said in one line, and the boot goes on."""
from check import DESIGNS, Boot, Check, expect, expect_ktap

# QEMU's model: what its log must say. TCG has no DE_CFG, and ignores writes as a hypervisor may.
SAYS = {"EPYC": r"^cpu: LFENCE may be no barrier to speculation on 2 CPUs: "}


def says_check(design: str, cpu: str) -> Check:
    def run() -> None:
        outcome = Boot(f"entry={design} tests=kernel", cpus=2, cpu=cpu, what=f"says-{cpu}").run()
        expect_ktap(expect(outcome, "pass", SAYS[cpu]))
    return Check(f"{design}.says-{cpu}", run)


def checks() -> list[Check]:
    return [says_check(DESIGNS[-1].name, cpu) for cpu in SAYS]
