# SPDX-License-Identifier: MIT
"""guest.py - the tests that run inside the kernel and in user programs, over designs and boot paths."""
from check import DESIGNS, ROOT, Boot, Check, expect_ktap


def guest_check(name: str, what: str, design: str, **boot) -> Check:
    def run() -> str:
        return expect_ktap(Boot(f"entry={design} tests={what}", what=name, **boot).run())
    return Check(f"{design}.{name}", run)


def checks() -> list[Check]:
    found = []
    for d in DESIGNS:
        found.append(guest_check("kernel-pvh", "kernel", d.name))
        found.append(guest_check("user-pvh", "user", d.name))
        found.append(guest_check("kernel-iso-bios", "kernel", d.name, mode="iso-bios"))
    last = DESIGNS[-1].name
    found.append(guest_check("kernel-iso-uefi", "kernel", last, mode="iso-uefi"))
    # QEMU's default model has no SMAP, SMEP, UMIP, FSGSBASE.
    found.append(guest_check("kernel-qemu64", "kernel", last, cpu="qemu64"))
    found.append(guest_check("user-qemu64", "user", last, cpu="qemu64"))
    return found


def on_request(name: str) -> list[Check]:
    """One user test program alone, in every design: `make test T=test_x`.  Part of user-pvh otherwise."""
    if not (ROOT / "tests" / "user" / f"{name}.c").exists():
        return []
    return [guest_check(name, name, d.name) for d in DESIGNS]
