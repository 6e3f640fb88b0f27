# SPDX-License-Identifier: MIT
"""machines.py - odd machines: each boots right, or says in one line what it lacks.

Under icount one TSC tick is a nanosecond of the machine's own clock.  What the guest takes for ten
milliseconds is ten million ticks, or its clock is wrong.
"""
import re

from check import DESIGNS, EXIT_STATUS, Boot, Check, Failed, Outcome, expect, expect_ktap, report
from lib import paths
from mutation.image import Copy

LAST = DESIGNS[-1].name
FLIP_ID = bytes.fromhex("3500002000")      # xor eax, 1 << 21, in boot/needs.asm
TEN_MS, TOLERANCE = 10_000_000, 0.005

# name -> (QEMU's words, what the log says of the clock)
CLOCKS = {
    "q35": ([], "PIT channel 2"),
    "pc": (["-M", "pc"], "PIT channel 2"),
    "isapc": (["-M", "isapc"], "PIT channel 2"),
    "microvm": (["-M", "microvm"], "PIT channel 0"),
    "no-pit": (["-M", "q35,pit=off"], "the ACPI PM timer"),
    "pc-no-pit": (["-M", "pc,pit=off"], "the ACPI PM timer"),
}

# CPUs whose CPUID ends early: what lies beyond is not there, whatever it answers.
LEVELS = ["level=1", "level=6", "level=7", "level=0xb", "level=0xc", "xlevel=0x80000001",
          "xlevel=0x80000007", "level=1,xlevel=0x80000001"]
FXSAVE_ONLY = ["max,level=6", "max,-xsave"]     # programs run there as well
MODELS = ["kvm64", "core2duo", "phenom", "Nehalem", "Skylake-Server", "EPYC", "Denverton"]

NO_EXTENDED = "a 64-bit mode: use an x86-64 one; NX: every page is W^X here"

# QEMU's word for a CPU that lacks something -> what the log says
LACKS = {
    "-apic": "a local APIC, or firmware switched it off",
    "-nx": "NX: every page is W^X here",
    "-lm": "a 64-bit mode: use an x86-64 one",
    "-tsc": "a TSC: time is taken from it",
    "-msr": "MSRs (RDMSR, WRMSR)",
    "-pae": "PAE: 64-bit paging needs it",
    "-cmov": "CMOV: all 64-bit code has it",
    "-fpu": "an FPU",
    "-fxsr": "FXSAVE: it saves a program's registers",
    "-sse": "SSE",
    "-sse2": "SSE2",
    "-apic,-tsc": "a local APIC, or firmware switched it off; a TSC: time is taken from it",
    "xlevel=0": NO_EXTENDED,
    "xlevel=0x80000000": NO_EXTENDED,
}
# What the kernel can do without.
LUXURY = ["-xsave", "-mce,-mca,-sep,-pge,-pse,-pat,-de,-cx8,-mmx,-xsave"]


def boot(what: str, *machine: str, tests: str = "kernel", timeout: int = 90, **rest) -> Outcome:
    """How a boot of the last design ended, on the machine of QEMU's words @machine."""
    return Boot(f"entry={LAST} tests={tests}", what=what, extra=list(machine), timeout=timeout,
                **rest).run()


def ticks_of_ten_ms(outcome: Outcome) -> dict[str, int]:
    found = re.search(r"^# 10 ms took (\d+) TSC ticks by the clock, (\d+) by the timer$",
                      outcome.text, re.M)
    if not found:
        raise Failed("the clocks were not compared", report(outcome))
    return {"the clock": int(found[1]), "the timer": int(found[2])}


def clock_check(name: str, machine: list[str], reference: str) -> Check:
    """Both clocks of the guest run at the machine's own rate."""
    def run() -> str:
        outcome = boot(f"clock-{name}", *machine, icount=True)
        expect_ktap(outcome)
        ticks = ticks_of_ten_ms(outcome)
        for clock, n in ticks.items():
            if abs(n - TEN_MS) > TOLERANCE * TEN_MS:
                raise Failed(f"10 ms of {clock} are {n / 1_000_000:.3f} ms", report(outcome))
        expect(outcome, "pass", rf"^clock: .*, measured against {re.escape(reference)}$")
        return ", ".join(f"{n} by {clock}" for clock, n in ticks.items())
    return Check(f"machines.clock-{name}", run)


def no_clock_check(*machine: str) -> Check:
    def run() -> None:
        expect(boot("no-clock", *machine), "panic",
               r"^PANIC: clock: nothing to measure time against: neither .* nor .* counts$")
    return Check("machines.no-clock", run)


def lack_check(word: str, what: str) -> Check:
    """A CPU that lacks what the kernel needs is refused by name, in one line, before all else."""
    name = f"lacks-{word.replace(',', '')}"

    def run() -> None:
        outcome = expect(boot(name, cpu=f"max,{word}"), "panic")
        said = [line for line in outcome.lines if line.strip()]
        told = said[-2:] == [f"PANIC: this processor lacks {what}", "EXIT 18"]
        if not told or "vestibule:" in outcome.text:
            raise Failed(f"not told: {what}", report(outcome))
    return Check(f"machines.{name}", run)


def no_syscall() -> None:
    """Intel's processors name SYSCALL in 64-bit mode alone, so it is looked for later than the
    rest."""
    expect(boot("lacks-syscall", cpu="max,-syscall"), "usage",
           r"^vestibule: this processor lacks SYSCALL: programs call the kernel by it$")


def cpu_check(cpu: str) -> Check:
    """The in-kernel tests pass on this CPU, and without XSAVE programs keep their FPU registers."""
    name = "cpu-" + re.sub("[,=]", "-", cpu)

    def run() -> str:
        remark = expect_ktap(boot(name, cpu=cpu, cpus=2))
        if cpu in FXSAVE_ONLY:
            expect_ktap(boot(f"{name}-user", cpu=cpu, cpus=2, tests="test_bystander"))
        return remark
    return Check(f"machines.{name}", run)


def no_cpuid() -> None:
    """No emulator at hand is that old: here the kernel does not manage to change the flag."""
    copy = Copy(paths.build(), paths.build() / "mutants" / "check-no-cpuid")
    with copy.mutated(copy.elf.address("check_cpu.flip_id"), FLIP_ID):
        outcome = boot("no-cpuid", build=copy.directory)
    expect(outcome, "panic", r"^PANIC: this processor lacks CPUID: use an x86-64 one$")


def other_cpu_lacks(word: str, *what: str) -> Check:
    """The second CPU lacks something; it stays out by name, and the first goes on."""
    name = "other-cpu-" + word.replace("=off", "").replace(",", "-")
    second = f"max-x86_64-cpu,socket-id=1,core-id=0,thread-id=0,{word}"

    def run() -> None:
        outcome = boot(name, "-smp", "1,maxcpus=2,sockets=2", "-device", second)
        expect_ktap(outcome)
        told = r"^smp: the CPU with APIC id 1 is left out: it lacks "
        expect(outcome, "pass", r"^vestibule: 1 CPU,", *(f"{told}{re.escape(w)}$" for w in what))
    return Check(f"machines.{name}", run)


def dumb_check(name: str, *machine: str) -> Check:
    """No UART: nothing is told, and only the status says that all in-kernel tests have passed."""
    def run() -> None:
        outcome = boot(name, *machine, "-serial", "none")
        if outcome.status != EXIT_STATUS["pass"] or outcome.text:
            raise Failed(f"QEMU status {outcome.status}, {len(outcome.text)} bytes of text")
    return Check(f"machines.{name}", run)


def skip_check(name: str, reasons: dict[str, str], *machine: str) -> Check:
    """A test that this machine is too small for is skipped with its reason, and no other is."""
    def run() -> str:
        outcome = boot(name, *machine)
        remark = expect_ktap(outcome)
        skipped = dict(re.findall(r"^ok \d+ - (\w+) # SKIP (.*)$", outcome.text, re.M))
        if skipped != reasons:
            raise Failed(f"skipped: {skipped}, expected {reasons}", report(outcome))
        return remark
    return Check(f"machines.{name}", run)


def memory_above_the_direct_map() -> None:
    """Half of this machine's 4 GiB lie at 1 TiB: below it AMD's processors have a hole."""
    outcome = boot("high-memory", "-m", "4G,slots=1,maxmem=1100G", cpu="EPYC,phys-bits=42")
    expect_ktap(outcome)
    expect(outcome, "pass",
           r"^memory: 2048 MiB from 512 GiB on are not used: the direct map ends there$",
           r"^vestibule: 204[0-9] MiB of memory,")


def checks() -> list[Check]:
    found = [clock_check(name, *words) for name, words in CLOCKS.items()]
    found.append(no_clock_check("-M", "microvm,pit=off"))
    found += [lack_check(*words) for words in LACKS.items()]
    found += [cpu_check(f"max,{word}") for word in LEVELS + LUXURY]
    found += [cpu_check(model) for model in MODELS]
    found += [
        Check("machines.no-cpuid", no_cpuid),
        Check("machines.lacks--syscall", no_syscall),
        other_cpu_lacks("nx=off", LACKS["-nx"]),
        other_cpu_lacks("syscall=off", "SYSCALL"),
        other_cpu_lacks("lm=off,sse2=off", LACKS["-lm"], LACKS["-sse2"]),
        other_cpu_lacks("smap=off", "SMAP"),
        skip_check("nothing-skipped", {}),
        skip_check("no-ioapic", {"uart_interrupt_through_the_ioapic":
                                 "no IOAPIC takes COM1's interrupt"}, "-M", "isapc"),
        dumb_check("no-uart"),
        dumb_check("no-uart-isapc", "-M", "isapc"),
        dumb_check("no-uart-microvm", "-M", "microvm"),
        dumb_check("nothing-at-all", "-nodefaults", "-vga", "none"),
        Check("machines.high-memory", memory_above_the_direct_map),
    ]
    return found
