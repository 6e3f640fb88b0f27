# SPDX-License-Identifier: MIT
"""report.py - what the proof says: failures with function, symbol, line and advice; proof.json."""
import json
import os
import subprocess
from pathlib import Path

from lib.paths import ROOT


SHOWN_MOST = 20


class Report:
    """Collects failures. One instruction with one fault is one failure, however many states have
    it."""

    def __init__(self, image):
        self.image = image
        self.failures = {}      # (design, address, what) -> (hint, state in words)

    def fail(self, facts, insn, what, hint, state):
        text = f"{insn.mnemonic} {insn.op_str}".strip()
        self.fail_at(facts, insn.address, f"{text}: {what}", hint, state)

    def fail_at(self, facts, address, what, hint, state=None):
        where = ""
        if state is not None:
            where = "[cr3=%s gs=%s rsp=%s if=%s], %s" % (*state.shown(), state.way)
        self.failures.setdefault((facts.name, address, what), (facts.name_of(address), hint, where))

    def lines(self):
        """The failures, a few lines each."""
        sources = self.sources([a for _, a, _ in self.failures][:SHOWN_MOST])
        for (design, address, what), (name, hint,
                                      where) in list(self.failures.items())[:SHOWN_MOST]:
            yield f"proof: {design}: {name}{sources.get(address, '')}: {what}"
            if where:
                yield f"    state: {where}"
            if hint:
                yield f"    to do: {hint}"
        if len(self.failures) > SHOWN_MOST:
            yield f"proof: and {len(self.failures) - SHOWN_MOST} more"

    def sources(self, addresses):
        """{address: " (file:line)"}, as far as binutils are there to tell."""
        tool = os.environ.get("ADDR2LINE", "addr2line")
        try:
            command = [tool, "-e", str(self.image.path), *map(hex, addresses)]
            out = subprocess.run(command, capture_output=True, text=True, timeout=20,
                                 check=True).stdout.split("\n")
        except (OSError, subprocess.SubprocessError):
            return {}
        known = {
            a: line.split(" ")[0]
            for a, line in zip(addresses, out) if line and not line.startswith("??")
        }
        return {a: f" ({tidy(line)})" for a, line in known.items()}


def tidy(place):
    """A file name from the debug information as seen from the source tree: NASM puts one path
    behind another."""
    parts = Path(place.split(":")[0]).parts
    for i in range(len(parts)):
        if (ROOT / Path(*parts[i:])).is_file() and not Path(*parts[i:]).is_absolute():
            return f"{Path(*parts[i:])}:{place.split(':')[-1]}"
    return place


def state_table(explorer):
    """{address: what may be seen there}: the state before the instruction runs."""
    facts, table = explorer.facts, {}
    for address in sorted(explorer.seen):
        name, off = facts.image.elf.near(address)
        table[f"{address:#x}"] = {
            "at": f"{name}+{off:#x}", "step": name.split(".", 1)[1] if "." in name else "",
            "states": sorted({s[:4]
                              for s in explorer.seen[address]})
        }
    return table


def write_json(path, results):
    """One instruction a line: people look at this file too."""
    about = (
        "For each instruction of entry text: every [cr3, gs, rsp, if] that may hold right "
        "before it, in the words "
        "of the state notes. stack_depth: bytes touched below the top of each kind of stack. "
        "shared: the text that a design shares with its kind, and that runs in it too; text: "
        "where it lies.")
    parts = [f'"about": {json.dumps(about)}']
    for part, texts in results.items():
        members = ",\n".join(as_lines(name, text) for name, text in texts.items())
        parts.append(f"{json.dumps(part)}: {{\n{members}\n}}")
    path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")


def as_lines(name, text):
    """One text's member of proof.json."""
    instructions = text["instructions"].items()
    lines = ",\n".join(f"  {json.dumps(a)}: {json.dumps(v)}" for a, v in instructions)
    facts = json.dumps({k: v for k, v in text.items() if k != "instructions"})[1:-1]
    return f' {json.dumps(name)}: {{{facts}, "instructions": {{\n{lines}\n }}}}'
