# SPDX-License-Identifier: MIT
"""offers.py - what this machine's QEMU offers: asked of it over QMP, once, and never guessed from
its version."""
import json
import os
import subprocess
from functools import lru_cache

QEMU = "qemu-system-x86_64"
HANG_AFTER = 60         # seconds; the answer comes in a tenth of one


class NoAnswer(RuntimeError):
    """QEMU did not start, or refused a question."""


@lru_cache(maxsize=None)
def ask(question: str, accel: str = "tcg") -> str:
    """What QEMU answers to one QMP command, both in JSON.  NoAnswer where it does not."""
    command = [
        QEMU, "-M", "none", "-accel", accel, "-nodefaults", "-display", "none", "-qmp", "stdio"
    ]
    lines = ['{"execute": "qmp_capabilities"}', question, '{"execute": "quit"}']
    try:
        done = subprocess.run(command,
                              input="\n".join(lines) + "\n",
                              capture_output=True,
                              text=True,
                              timeout=HANG_AFTER)
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"{QEMU} does not answer {question} in {HANG_AFTER} s") from None
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    # The greeting and events are no answers; the first answer is that of qmp_capabilities.
    answers = [a for a in answers if "return" in a or "error" in a]
    if len(answers) < 2 or "error" in answers[1]:
        said = answers[1]["error"]["desc"] if len(answers) > 1 else done.stderr.strip() or "nothing"
        raise NoAnswer(f"{QEMU} is asked {question} and says: {said}")
    return json.dumps(answers[1]["return"])


def cpu_feature(feature: str, model: str = "max", accel: str = "") -> bool:
    """Has processor @model the CPUID @feature ("x2apic")?  @accel "": what ACCEL= says, else
    TCG."""
    question = {
        "execute": "query-cpu-model-expansion", "arguments":
        {"type": "full", "model": {"name": model}}
    }
    answer = json.loads(ask(json.dumps(question), accel or os.environ.get("ACCEL") or "tcg"))
    return answer["model"]["props"].get(feature, False)


def tcg_property(name: str) -> bool:
    """Does `-accel tcg,` know @name?"""
    question = {"execute": "qom-list-properties", "arguments": {"typename": "tcg-accel"}}
    return any(p["name"] == name for p in json.loads(ask(json.dumps(question))))


def one_instruction_blocks() -> list[str]:
    """The arguments that have TCG translate one instruction at a time.  `-singlestep` was the
    only way at first and is gone by now."""
    if tcg_property("one-insn-per-tb"):
        return ["-accel", "tcg,one-insn-per-tb=on"]
    return ["-singlestep"]
