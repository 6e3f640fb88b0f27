# SPDX-License-Identifier: MIT
"""settings.py - what people set in the environment of a tool: numbers, yes and no, one of some
words.

Unset and empty mean the default.  A value that is not valid ends the program with one line that
says what is.
"""
import os
import sys

YES, NO = ("1", "yes", "on", "true"), ("0", "no", "off", "false")
SEED_MOST = 2**64 - 1       # seed= of the kernel's command line


def given(name: str) -> str:
    return os.environ.get(name, "").strip()


def refuse(name: str, valid: str) -> None:
    sys.exit(f"{name}={given(name)}: {valid}")


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number from @low to @high, decimal or 0x..."""
    try:
        value = int(given(name) or str(default), 0)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        refuse(name, f"a whole number is needed, {low} to {high}; without {name}= it is {default}")
    return value


def seed() -> int:
    return number("SEED", 1, 0, SEED_MOST)


def yes(name: str) -> bool:
    value = given(name).lower() or NO[0]
    if value not in YES + NO:
        refuse(name, "yes or no is needed, 1 or 0")
    return value in YES


def accelerator() -> str:
    """What makes the guest's processor."""
    return choice("ACCEL", "tcg", "kvm")


def choice(name: str, *words: str) -> str:
    """One of @words, the first being the default."""
    value = given(name) or words[0]
    if value not in words:
        refuse(name, f"one of these is needed: {', '.join(words)}")
    return value
