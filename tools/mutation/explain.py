# SPDX-License-Identifier: MIT
"""Why a surviving mutant is harmless: the rules of entry/mutants.json, strictly matched.

A rule is {"paths": [...], "step": "...", "text": "...", "reason": "..."}: an instruction's path
(without the piece's prefix), local label ("" without one) and text as in the tables; "designs":
[...] limits it, to shared texts too.
"""
import json
from dataclasses import dataclass, field

FIELDS = {"paths", "step", "text", "reason", "designs"}


@dataclass
class Rule:
    paths: list
    step: str
    text: str
    reason: str
    designs: list = field(default_factory=list)     # empty: every design's, and what they share
    used: int = 0

    def matches(self, subject, insn):
        return insn.path in self.paths and insn.step == self.step and insn.text == self.text \
            and (not self.designs or subject.name in self.designs)

    def __str__(self):
        return "%s .%s '%s'" % ("/".join(self.paths), self.step, self.text)


def load(path):
    """The rules of a file; ValueError says what is wrong with one."""
    rules = []
    for entry in json.loads(path.read_text())["harmless"]:
        if set(entry) - FIELDS or not FIELDS - {"designs"
                                                } <= set(entry) or not entry["reason"].strip():
            raise ValueError("%s: a rule has paths, step, text, reason and may have designs: %s" %
                             (path.name, entry))
        rules.append(Rule(**entry))
    return rules


def reason(rules, subject, insn):
    """The reason of the first rule that matches a survivor, counted as used; "" when none does."""
    for rule in rules:
        if rule.matches(subject, insn):
            rule.used += 1
            return rule.reason
    return ""


def stale(rules):
    """Rules that explain nothing any more."""
    return [rule for rule in rules if not rule.used]
