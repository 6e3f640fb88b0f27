# SPDX-License-Identifier: MIT
"""cmdline.py - mistakes on the command line stop the boot with a message; so does a missing archive."""
import re

from check import DESIGNS, Boot, Check, Failed, expect, report

ALL_NAMES = "".join(rf"(?=.*\b{re.escape(d.name)}\b)" for d in DESIGNS)     # on one line, in any order

# name -> (command line, patterns that the log must hold)
MISTAKES = {
    "unknown-key": ("colour=blue", [r"colour", r"entry=.*tests=|tests=.*entry="]),
    "unknown-entry": ("entry=porch", [r"porch", ALL_NAMES]),
    "word-without-value": ("entry", [r"\bentry\b"]),
    "repeated-key": ("seed=1 seed=2", [r"seed", r"(?i)twice|repeat|more than once|already"]),
    "bad-number": ("seed=seven", [r"seven"]),
    "unknown-fault": ("inject=gremlin", [r"gremlin", r"double-free"]),
    "too-long": ("seed=" + "0" * 600 + "1", [r"(?i)long"]),
}


def mistake_check(name: str, line: str, patterns: list[str], mode: str) -> Check:
    def run() -> None:
        outcome = Boot(line, what=f"cmdline-{name}-{mode}", mode=mode).run()
        expect(outcome, "usage", *patterns)
    return Check(f"cmdline.{name}-{mode}", run)


def default_is_said() -> None:
    """Without entry= the kernel takes its default and says that it did."""
    outcome = expect(Boot("", what="cmdline-default").run(), "pass")
    if not re.search(rf"(?i)default.*\b({'|'.join(re.escape(d.name) for d in DESIGNS)})\b"
                     rf"|\b({'|'.join(re.escape(d.name) for d in DESIGNS)})\b.*default", outcome.text):
        raise Failed("no line says which design is the default", report(outcome))


def missing_archive() -> None:
    outcome = Boot("", what="no-archive", archive=False).run()
    if outcome.verdict not in ("usage", "panic"):
        raise Failed(outcome.describe(), report(outcome))
    if not re.search(r"(?i)archive", outcome.text):
        raise Failed("no line names the boot archive", report(outcome))


def checks() -> list[Check]:
    found = [mistake_check(name, line, patterns, "pvh") for name, (line, patterns) in MISTAKES.items()]
    found += [mistake_check(name, *MISTAKES[name], "iso-bios") for name in ("unknown-key", "too-long")]
    found.append(Check("cmdline.default", default_is_said))
    found.append(Check("cmdline.missing-archive", missing_archive))
    return found
