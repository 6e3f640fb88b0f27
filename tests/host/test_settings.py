# SPDX-License-Identifier: MIT
"""test_settings.py - what people set in the environment: yes and no mean that, and a mistake is one
line that says what is valid."""
import os
import subprocess
import sys
import unittest
from unittest import mock

from lib.paths import ROOT
import run as run_command

QEMU, TESTS = ["run.py"], ["run_tests.py", "-l"]
TORTURE, MUTANTS = ["torture.py"], ["mutants.py"]
# tool, variable, value, what the message must hold
MISTAKES = [
    (QEMU, "CPUS", "abc", "1 to 255"), (QEMU, "CPUS", "0", "1 to 255"),
    (QEMU, "CPUS", "1.5", "1 to 255"), (QEMU, "UEFI", "maybe", "1 or 0"),
    (QEMU, "ACCEL", "xen", "tcg, kvm"), (TORTURE, "CPUS", "four", "1 to 64"),
    (TORTURE, "SECONDS", "-1", "0 to"), (TORTURE, "SECONDS", "1m", "0 to"),
    (TORTURE, "SEED", "x", "0 to"), (TORTURE, "ICOUNT", "perhaps", "1 or 0"),
    (TORTURE, "THREADS", "2", "1 or 0"), (TORTURE, "ENTRY", "porch", "Valid"),
    (MUTANTS, "JOBS", "many", "1 to"), (MUTANTS, "JOBS", "0", "1 to"),
    (MUTANTS, "SAMPLE", "half", "1 to"), (MUTANTS, "ENTRY", "porch", "Valid"),
    (TESTS, "SEED", "today", "0 to"),
]


class Mistakes(unittest.TestCase):
    def test_each_is_told_in_one_line(self):
        for command, name, value, valid in MISTAKES:
            with self.subTest(tool=command[0], name=name, value=value):
                program = [sys.executable, str(ROOT / "tools" / command[0]), *command[1:]]
                # No QEMU in sight, in case a mistake is not noticed.
                env = {**os.environ, "PATH": "/nowhere", name: value}
                done = subprocess.run(program, env=env, capture_output=True, text=True, timeout=60,
                                      check=False, stdin=subprocess.DEVNULL)
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(f"{name}={value}", done.stderr)
                self.assertIn(valid, done.stderr)


class YesAndNo(unittest.TestCase):
    def firmware(self, value):
        with mock.patch.dict(os.environ, {"UEFI": value}):
            return run_command.boot_for_terminal().mode

    def test_no_is_no(self):
        for value in ("", "0", "no", "off", "false", "NO"):
            self.assertEqual(self.firmware(value), "iso-bios", value)

    def test_yes_is_yes(self):
        for value in ("1", "yes", "on", "true"):
            self.assertEqual(self.firmware(value), "iso-uefi", value)


class Given(unittest.TestCase):
    def test_numbers(self):
        with mock.patch.dict(os.environ, {"CPUS": "0x10", "ENTRY": "porch", "ARGS": " a=b  c "}):
            boot = run_command.boot_for_terminal()
        self.assertEqual((boot.cpus, boot.cmdline), (16, "entry=porch a=b c"))


if __name__ == "__main__":
    unittest.main()
