# SPDX-License-Identifier: MIT
"""runner.py - the judge is judged: what must never count as a pass does not."""
import tempfile
from pathlib import Path

from check import Boot, Check, Failed, Outcome, ktap
from lib import paths

# (QEMU status, serial text) -> verdict
ENDINGS = [
    (33, "hello\r\nEXIT 16\r\n", "pass"),
    (0, "hello\nEXIT 16\n", "died"),            # a triple fault right after the line
    (0, "", "died"),
    (33, "hello\n", "died"),                    # the port was written by chance
    (33, "EXIT 16\nhello\n", "died"),
    (33, "EXIT 17\n", "died"),                  # status and text disagree
    (35, "EXIT 17\n", "fail"),
    (37, "EXIT 18\n", "panic"),
    (39, "\x1b[2J\x1b[01;01HEXIT 19\n", "usage"),
    (None, "EXIT 16\n", "timeout"),
]

# KTAP text -> is it complete and all ok?
TEXTS = [
    ("1..2\nok 1 a\nok 2 b", True),
    ("1..2\nok 1 a\nnot ok 2 b", False),
    ("1..2\nok 1 a", False),
    ("ok 1 a", False),
    ("1..0", False),
    ("1..2\nok 1 a\nok 1 b", False),
    ("1..1\n  1..2\n  ok 1 x\n  not ok 2 y\nnot ok 1 a", False),
]


def endings() -> None:
    with tempfile.TemporaryDirectory() as tmp:
        log = Path(tmp) / "log"
        for status, text, verdict in ENDINGS:
            log.write_bytes(text.encode())
            got = Outcome(status, log, 0.0).verdict
            if got != verdict:
                raise Failed(f"status {status} with {text!r} counts as {got}, not {verdict}")


def killed() -> None:
    """A QEMU that somebody ends looks like a triple fault but for what it says."""
    said = "terminating on signal 15 from pid 1 (init)"
    with tempfile.TemporaryDirectory() as tmp:
        outcome = Outcome(0, Path(tmp) / "log", 0.0, f"qemu-system-x86_64: {said}\n")
    if outcome.verdict != "died" or said not in outcome.describe():
        raise Failed(outcome.describe())


def texts() -> None:
    for text, good in TEXTS:
        results, wrong = ktap(text.splitlines())
        if good != (not wrong and all(ok for ok, _ in results)):
            raise Failed(f"{text!r}: {results}, {wrong!r}")


def hang() -> None:
    """A machine that never starts is a time-out of its own kind."""
    outcome = Boot(what="hang", extra=["-S"], timeout=1).run()
    if outcome.verdict != "timeout":
        raise Failed(outcome.describe())


def comma() -> None:
    """A comma in a path is no end of an option: the machine starts, here to stand still."""
    with tempfile.TemporaryDirectory(prefix="a,b-") as tmp:
        (Path(tmp) / "vestibule.iso").symlink_to((paths.build() / "vestibule.iso").resolve())
        outcome = Boot("seed=1",
                       mode="iso-uefi",
                       what="comma",
                       extra=["-S"],
                       timeout=2,
                       build=Path(tmp)).run()
        if outcome.verdict != "timeout":
            raise Failed(outcome.describe(), outcome.tail())


def no_image() -> None:
    outcome = Boot(what="no-image", extra=["-kernel", "/nonexistent"]).run()
    if outcome.verdict != "died" or "nonexistent" not in outcome.stderr:
        raise Failed(outcome.describe(), outcome.tail())


def checks() -> list[Check]:
    return [
        Check("runner.endings", endings),
        Check("runner.killed", killed),
        Check("runner.ktap", texts),
        Check("runner.hang", hang),
        Check("runner.comma", comma),
        Check("runner.no-image", no_image)
    ]
