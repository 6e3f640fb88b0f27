# SPDX-License-Identifier: MIT
"""cmdline.py - mistakes on the command line stop the boot with a message; so does a missing
archive."""
import re

from check import ANY_DESIGN, DESIGNS, WELCOME, Boot, Check, expect

# on one line, in any order
ALL_NAMES = "".join(rf"(?=.*\b{re.escape(d.name)}\b)" for d in DESIGNS)

# name -> (command line, patterns that the log must hold)
MISTAKES = {
    "unknown-key": ("colour=blue", [r"colour", r"entry=.*tests=|tests=.*entry="]),
    "unknown-entry": ("entry=porch", [r"porch", ALL_NAMES]),
    "word-without-value": ("entry", [r"\bentry\b"]),
    "repeated-key": ("seed=1 seed=2", [r"seed", r"(?i)twice|repeat|before|already"]),
    "unknown-test": ("tests=nosuch", [r"nosuch", r"kernel.*user"]),
    "torture-without-number": ("tests=torture-soon", [r"torture-soon", r"kernel.*user"]),
    "fuzz-without-number": ("tests=fuzz-9x", [r"fuzz-9x", r"kernel.*user"]),
    "fire-at-nothing": ("tests=fire-", [r"fire-: no such", r"kernel.*user"]),
    "unknown-benchmark": ("bench=nosuch", [r"nosuch", r"syscall_null"]),
    "unknown-guest": ("bench=as-percpu", [r"as-percpu: no such benchmark"]),
    "bad-number": ("seed=seven", [r"seven"]),
    "no-cpus": ("cpus=0", [r"cpus=0", r"1 to 64"]),
    "bad-pcid": ("pcid=maybe", [r"pcid=maybe", r"on off"]),
    "unknown-fault": ("inject=gremlin", [r"gremlin", r"double-free"]),
    "too-long": ("seed=" + "0" * 600 + "1", [r"(?i)long"]),
}


def mistake_check(name: str, line: str, patterns: list[str], mode: str) -> Check:
    def run() -> None:
        outcome = Boot(line, what=f"cmdline-{name}-{mode}", mode=mode).run()
        expect(outcome, "usage", *patterns)
    return Check(f"cmdline.{name}-{mode}", run)


def default_is_said() -> None:
    """Without entry= the kernel takes its default and says that it did; without tests= and bench=
    it stays up."""
    boot = Boot("", what="cmdline-default", until=WELCOME)
    expect(boot.run(), "reached", rf"(?i)\b({ANY_DESIGN})\b.*default|default.*\b({ANY_DESIGN})\b")


def missing_archive() -> None:
    expect(Boot("", what="no-archive", archive=False).run(), "usage", r"(?i)no boot archive")


def checks() -> list[Check]:
    found = [
        mistake_check(name, line, patterns, "pvh") for name, (line, patterns) in MISTAKES.items()
    ]
    found += [
        mistake_check(name, *MISTAKES[name], "iso-bios") for name in ("unknown-key", "too-long")
    ]
    found.append(Check("cmdline.default", default_is_said))
    found.append(Check("cmdline.missing-archive", missing_archive))
    return found
