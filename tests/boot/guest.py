# SPDX-License-Identifier: MIT
"""guest.py - the tests that run inside the kernel and in user programs, over designs and boot
paths."""
import re

from check import DESIGNS, ROOT, Boot, Check, Failed, Outcome, expect, expect_ktap, report

# Over all designs a bystander's registers are checked across this many switches
# (tests/user/test_bystander.c).
ALL_SWITCHES = 1_000_000
USER_HANG_AFTER = 900      # seconds; that takes its time on a busy machine
USER_MEMORY = 96           # MiB: test_limits takes all that a program can get, page by page


def guest_check(name: str, what: str, design: str, **boot) -> Check:
    def run() -> str:
        return expect_ktap(Boot(f"entry={design} tests={what}", what=name, **boot).run())
    return Check(f"{design}.{name}", run)


def enough_switches(outcome: Outcome) -> str:
    """A remark; Failed when this design's share of ALL_SWITCHES was not made."""
    found = re.search(r"^# bystanders .* over (\d+) switches$", outcome.text, re.M)
    made, share = int(found[1]) if found else 0, -(-ALL_SWITCHES // len(DESIGNS))
    if made < share:
        raise Failed(f"bystanders were checked over {made} switches, at least {share} are due",
                     report(outcome))
    return f"{made} switches"


def user_check(design: str) -> Check:
    def run() -> str:
        outcome = Boot(f"entry={design} tests=user", what="user-pvh", memory=USER_MEMORY,
                       timeout=USER_HANG_AFTER).run()
        return f"{expect_ktap(outcome)}, {enough_switches(outcome)}"
    return Check(f"{design}.user-pvh", run)


def excused_check(design: str) -> Check:
    """An instruction that QEMU's TCG lets pass is excused in test_abuse_privileged, but only
    there: on a processor that does not say that it is TCG the same is a failure."""
    def run() -> str:
        excused, strict = (Boot(f"entry={design} tests=test_abuse_privileged",
                                cpu=cpu,
                                what=f"privileged-{what}").run()
                           for what, cpu in (("excused", "max"), ("strict", "max,tcg-cpuid=off")))
        expect_ktap(excused)
        passed = re.findall(r"^# (\w+): this emulator lets it pass", excused.text, re.M)
        if not passed:
            expect_ktap(strict)
            return "this QEMU lets none pass"
        expect(strict, "fail", *(rf"child={name}: status 0x0;" for name in passed))
        return f"this QEMU lets pass: {', '.join(passed)}"
    return Check(f"{design}.privileged-excused", run)


def checks() -> list[Check]:
    found = []
    for d in DESIGNS:
        found.append(guest_check("kernel-pvh", "kernel", d.name))
        found.append(user_check(d.name))
        found.append(guest_check("kernel-iso-bios", "kernel", d.name, mode="iso-bios"))
    last = DESIGNS[-1].name
    found.append(guest_check("kernel-iso-uefi", "kernel", last, mode="iso-uefi"))
    # RAM above the devices, which the direct map must leave out.
    found.append(guest_check("kernel-5g", "kernel", last, extra=["-m", "5G"]))
    # QEMU's default model has no SMAP, SMEP, UMIP, FSGSBASE.
    found.append(guest_check("kernel-qemu64", "kernel", last, cpu="qemu64"))
    found.append(guest_check("user-qemu64", "user", last, cpu="qemu64", timeout=USER_HANG_AFTER))
    return [*found, excused_check(last)]


def on_request(name: str) -> list[Check]:
    """One user test program alone, in every design: `make test T=test_x`.  Part of user-pvh
    otherwise."""
    if not (ROOT / "tests" / "user" / f"{name}.c").exists():
        return []
    return [guest_check(name, name, d.name) for d in DESIGNS]
