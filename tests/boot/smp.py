# SPDX-License-Identifier: MIT
"""smp.py - CPUs: as many start as there are or cpus= says, each passes the in-kernel tests; failures are told."""
from check import DESIGNS, Boot, Check, expect, expect_ktap

LAST = DESIGNS[-1].name


def cpus_line(n: int) -> str:
    return rf"^vestibule: {n} CPU{'s' if n > 1 else ''},"


def kernel_check(design: str, machine: int, started: int, words: str = "", **boot) -> Check:
    """In-kernel tests on a machine of @machine CPUs of which @started come up."""
    name = f"smp-{started}-of-{machine}" + "".join(f"-{value if value is not True else key}"
                                                  for key, value in boot.items())

    def run() -> str:
        outcome = Boot(f"entry={design} tests=kernel{words}", cpus=machine, what=name, **boot).run()
        remark = expect_ktap(outcome)
        expect(outcome, "pass", cpus_line(started))
        return remark
    return Check(f"{design}.{name}", run)


def said_check(name: str, machine: int, words: str, *patterns: str, **boot) -> Check:
    """@words boot all the same, and the log says what is missing."""
    def run() -> None:
        outcome = Boot(f"entry={LAST} tests=kernel {words}".strip(), cpus=machine, what=f"smp-{name}", **boot).run()
        expect_ktap(outcome)
        expect(outcome, "pass", *patterns)
    return Check(f"smp.{name}", run)


def checks() -> list[Check]:
    found = [kernel_check(d.name, n, n) for d in DESIGNS for n in (2, 4, 8)]
    found += [
        kernel_check(LAST, 4, 2, " cpus=2"),
        kernel_check(LAST, 4, 1, " cpus=1"),
        kernel_check(LAST, 64, 64),
        kernel_check(LAST, 4, 4, icount=True),
        kernel_check(LAST, 4, 4, cpu="qemu64"),
        kernel_check(LAST, 4, 4, mode="iso-bios"),
        kernel_check(LAST, 4, 4, mode="iso-uefi"),
        said_check("more-than-64", 66, "", r"acpi: 2 CPUs are left out", cpus_line(64)),
        said_check("fewer-than-asked", 2, "cpus=3", r"cpus=3, but this machine has 2", cpus_line(2)),
        # On the other machines SeaBIOS makes tables of its own where QEMU has none.
        said_check("no-acpi", 2, "", r"^acpi: no MADT: assuming one CPU", cpus_line(1),
                   extra=["-M", "microvm,acpi=off"]),
        said_check("silent-cpu", 2, "inject=ap-silent", r"APIC id 1 is left out: it does not start",
                   cpus_line(1)),
    ]
    return found
