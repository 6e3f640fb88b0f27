# SPDX-License-Identifier: MIT
"""The tests that must kill mutants, in the order in which they are tried: cheap and deadly ones
first.

A killer is a boot with `tests=<name>`, or a check of `make test` that looks from outside. To add
one, add a line. A boot is tried on a mutant only if the unchanged kernel executes that instruction
in it.
"""
from dataclasses import dataclass


PROOF = "proof"          # tools/prove.py, which every build runs: it boots nothing
# The paths of entry/kernelmode.inc and ist.inc that do not begin in user mode, or anywhere.
COMMON_PATHS = ("kernel_entry", "nmi", "debug", "double_fault", "machine_check")


@dataclass(frozen=True)
class Killer:
    name: str           # of the in-kernel lane ("kernel", ...), or of a user test program
    cpus: int = 1
    icount: bool = False
    # PROOF, or a check of tools/run_tests.py behind the design's name, instead of a boot
    check: str = ""
    # with check: the paths of the entry text that it looks at; empty: all from user mode
    paths: tuple = ()

    @property
    def title(self) -> str:
        """As the tables name it, and as results are kept: another title is another killer."""
        if self.check:
            return f"check {self.check}"
        return self.name if self.cpus == 1 else f"{self.name} x{self.cpus}"

    def looks_at(self, insn) -> bool:
        """With check: is @insn in one of its paths?"""
        if self.check == PROOF:
            return True
        if self.paths:
            return insn.path in self.paths
        return insn.vector is None and insn.path not in COMMON_PATHS

    def cmdline(self, design: str) -> str:
        return f"entry={design} tests={self.name}"


KILLERS = (
    Killer("test_threads"),
    Killer("fire-trace"),
    Killer("test_abuse_rip"),
    Killer("test_fs_base"),
    Killer("test_map"),
    Killer("test_selectors_leak"),
    Killer("test_abuse_flags"),
    Killer("test_abuse_pointers"),
    Killer("test_abuse_int"),
    Killer("test_fault_kill"),
    Killer("test_abuse_selectors"),
    Killer("test_abuse_privileged"),
    Killer("test_sleep_wake"),
    Killer("fire-stubs-v18", icount=True),
    Killer("fire-stubs-v8", icount=True),
    Killer("fire-db-nmi_entry", icount=True),
    Killer("fire-db-debug_entry", icount=True),
    Killer("fire-31", icount=True),
    Killer("proof", check=PROOF),
    Killer("test_meltdown"),
    Killer("kernel"),
    Killer("test_smp_migrate", cpus=2),
    Killer("sysret", check="sysret", paths=("syscall_entry",)),
    Killer("work", check="work"),
    Killer("body", check="body-nmi", paths=("nmi",)),
    Killer("nmi", check="nmi", paths=("nmi",)),
    Killer("body", check="body-debug", paths=("debug",)),
    Killer("body", check="body-machine-check", paths=("machine_check",)),
    Killer("body", check="body-double-fault", paths=("double_fault",)),
    Killer("body", check="body-exception", paths=("kernel_entry",)),
    Killer("body", check="body-timer"),
    Killer("test_abuse_stack"),
    Killer("fire-mc", check="fire-mc", paths=("nmi", "machine_check")),
    Killer("test_smp_affinity", cpus=2),
)
