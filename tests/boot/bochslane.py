# SPDX-License-Identifier: MIT
"""bochslane.py - the shipped ISO in Bochs: PCID with and without INVPCID, x2APIC: TCG of QEMU
7.2 has neither.

checks() is one boot, which `make test` skips where Bochs is missing; lane() is what `make
test-bochs` runs.
"""
from check import DESIGNS, ROOT, Check, Skipped, expect, expect_ktap
from lib.bochs import BochsBoot, missing
from lib.designs import splits

# Models, and what the boot log must say of them.
HASWELL = "corei7_haswell_4770"
ICE_LAKE = "corei7_icelake_u"               # UMIP too
SANDY_BRIDGE = "corei7_sandy_bridge_2600k"  # neither SMEP nor SMAP
PROCESSOR = {HASWELL: "x2APIC, PCID with INVPCID", ICE_LAKE: "x2APIC, PCID with INVPCID",
             SANDY_BRIDGE: "xAPIC, PCID without INVPCID"}

# Where it matters whose processor it is. The rest says nothing new here and takes long.
ALONE = (
    "kernel test_abuse_debug test_abuse_flags test_abuse_int test_abuse_privileged "
    "test_abuse_registers "
    "test_abuse_rip test_abuse_selectors test_abuse_ss test_fault_kill test_map "
    "test_selectors_leak "
    "test_sleep_wake").split()
# NMIs and breakpoints at every instruction, without a timer that counts: a second processor's
# answer.
UNDER_FIRE = [
    "fire-db-held-" + path for path in "syscall_sysret irq_user bad_iret debug_entry".split()
]
UNDER_FIRE += ["fire-db-nmi_entry"]
NEIGHBOURS = "fire-db-held-switch_design"    # in a boot that runs other designs too
WITHOUT_INVPCID = ["kernel", "test_map", "test_smp_designs", "test_threads"]


def boot_check(design: str,
               tests: str,
               cpus: int = 1,
               model: str = HASWELL,
               words: str = "") -> Check:
    """@design "": the default one."""
    what = "-".join([tests, *words.split(), model.split("_", 1)[1]])
    entry = f"entry={design} " if design else ""

    def run() -> str:
        if missing():
            raise Skipped(missing())
        outcome = BochsBoot(f"{entry}tests={tests} {words}".strip(),
                            cpus=cpus,
                            model=model,
                            what=what).run()
        remark = expect_ktap(outcome)
        processor = PROCESSOR[model].split(", ")[0] if "pcid=off" in words else PROCESSOR[model]
        expect(outcome, "pass", rf"^vestibule: {cpus} CPUs?, {processor}$")
        return remark
    return Check(f"{design or 'default'}.bochs-{cpus}-{what}", run)


def checks() -> list[Check]:
    return [boot_check("", "kernel", cpus=2)]


def lane() -> list[Check]:
    together = ["kernel", "test_threads"]
    together += sorted(p.stem for p in (ROOT / "tests" / "user").glob("test_smp_*.c"))
    found = checks()
    for design in DESIGNS:
        d, neighbours = design.name, splits(design)
        found += [boot_check(d, t) for t in ALONE + UNDER_FIRE + [NEIGHBOURS] * neighbours]
        found += [boot_check(d, t, 2, ICE_LAKE) for t in together]
        found += [boot_check(d, t, 2, SANDY_BRIDGE) for t in WITHOUT_INVPCID]
        found += [boot_check(d, "kernel", 2, words="pcid=off")]
    return found + [boot_check(DESIGNS[-1].name, "kernel", 4)]
