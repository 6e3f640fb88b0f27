#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is made of a QEMU's answers: a script that answers as QEMU 7.2 or 10.0 did stands in for
it."""
import json
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib import offers
from lib.boots import Boot

GREETING = {"QMP": {"version": {}, "capabilities": []}}
EVENT = {"event": "SHUTDOWN", "data": {}}
FAKE = """#!/bin/sh
cat > "$0.asked"
echo "$*" >> "$0.calls"
cat "$0.answers"
[ ! -e "$0.errors" ] || { cat "$0.errors" >&2; exit 1; }
"""


def model(**features):
    return {"model": {"name": "base", "props": features}}


def properties(*names):
    return [{"name": n, "type": "bool"} for n in names]


class Answers(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="vestibule-offers-")
        self.addCleanup(directory.cleanup)
        self.fake = Path(directory.name) / offers.QEMU
        self.fake.write_text(FAKE)
        self.fake.chmod(0o755)
        path = mock.patch.dict(os.environ,
                               {"PATH": f"{directory.name}:{os.environ['PATH']}", "ACCEL": ""})
        path.start()
        self.addCleanup(path.stop)
        offers.ask.cache_clear()
        self.addCleanup(offers.ask.cache_clear)

    def says(self, *answers):
        self.beside("answers").write_text("".join(json.dumps(a) + "\r\n" for a in answers))

    def answers(self, answer):
        self.says(GREETING, {"return": {}}, {"return": answer}, {"return": {}}, EVENT)

    def beside(self, what):
        return Path(f"{self.fake}.{what}")

    def test_a_feature_that_is_there(self):
        self.answers(model(x2apic=True, pcid=False))
        self.assertTrue(offers.cpu_feature("x2apic"))
        self.assertFalse(offers.cpu_feature("pcid"))

    def test_a_feature_that_no_qemu_knows(self):
        self.answers(model(x2apic=True))
        self.assertFalse(offers.cpu_feature("fred"))

    def test_the_question_names_the_model(self):
        self.answers(model())
        offers.cpu_feature("x2apic", "qemu64")
        self.assertIn('"qemu64"', self.beside("asked").read_text())

    def test_the_accelerator_that_boots_will_have(self):
        self.answers(model())
        with mock.patch.dict(os.environ, {"ACCEL": "kvm"}):
            offers.cpu_feature("x2apic")
        self.assertIn("-accel kvm", self.beside("calls").read_text())

    def test_asked_once(self):
        self.answers(model(x2apic=True))
        offers.cpu_feature("x2apic")
        offers.cpu_feature("smep")
        self.assertEqual(len(self.beside("calls").read_text().splitlines()), 1)

    def test_an_event_is_no_answer(self):
        self.says(GREETING, {"return": {}}, EVENT, {"return": model(x2apic=True)})
        self.assertTrue(offers.cpu_feature("x2apic"))

    def test_a_refusal(self):
        self.says(GREETING, {"return": {}},
                  {"error": {"class": "GenericError", "desc": "no such model"}})
        with self.assertRaisesRegex(offers.NoAnswer, "no such model"):
            offers.cpu_feature("x2apic", "none-such")

    def test_a_qemu_that_does_not_start(self):
        self.says()
        self.beside("errors").write_text("cannot load libfoo.so\n")
        with self.assertRaisesRegex(offers.NoAnswer, "libfoo"):
            offers.cpu_feature("x2apic")

    def test_one_instruction_to_a_block(self):
        self.answers(properties("tb-size", "one-insn-per-tb"))
        self.assertEqual(offers.one_instruction_blocks(), ["-accel", "tcg,one-insn-per-tb=on"])

    def test_one_instruction_to_a_block_as_it_was(self):
        self.answers(properties("tb-size"))
        self.assertEqual(offers.one_instruction_blocks(), ["-singlestep"])


class Machines(unittest.TestCase):
    """Under icount an access to an x2APIC ends QEMU, so the processor is one without it on every
    QEMU."""

    def model_of(self, boot):
        command = boot.machine()
        return command[command.index("-cpu") + 1]

    def test_no_x2apic_unless_asked_for(self):
        self.assertEqual(self.model_of(Boot(icount=True)), "max,-x2apic")
        self.assertEqual(self.model_of(Boot(cpu="qemu64")), "qemu64,-x2apic")

    def test_x2apic(self):
        self.assertEqual(self.model_of(Boot(x2apic=True)), "max,+x2apic")

    def test_not_both(self):
        with self.assertRaisesRegex(ValueError, "icount"):
            Boot(x2apic=True, icount=True).machine()


if __name__ == "__main__":
    unittest.main()
