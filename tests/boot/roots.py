# SPDX-License-Identifier: MIT
"""roots.py - the audit of user roots: what a boot shows against what the host works out, and that it can fail."""
import importlib.util
import re

from check import DESIGNS, ROOT, Boot, Check, Failed, expect, report

# inject= values that spoil the first process's user root; the audit must find each (kernel/inject.h).
SPOILS = ("audit-extra", "audit-writable", "audit-global", "audit-frame")


def audit_module():
    """tools/audit.py: check(log text) -> list of problems, empty when every page is as it should be."""
    if importlib.util.find_spec("audit") is None:
        return None
    import audit
    return audit


def dump(design: str, words: str, what: str):
    outcome = Boot(f"entry={design} tests=user{words}", what=what).run()
    if not re.search(r"^AUDIT-END ", outcome.text, re.M):
        raise Failed("no user root was dumped", report(outcome))
    return outcome


def clean_check(audit, design: str) -> Check:
    def run() -> None:
        outcome = expect(dump(design, "", "audit"), "pass")
        if problems := audit.check(outcome.text):
            raise Failed(f"{len(problems)} pages are not as they should be", problems[:30])
    return Check(f"{design}.audit", run)


def spoiled_check(audit, design: str, spoil: str) -> Check:
    def run() -> str:
        problems = audit.check(dump(design, f" inject={spoil}", spoil).text)
        if not problems:
            raise Failed("the audit did not notice")
        return problems[0]
    return Check(f"{design}.{spoil}", run)


def checks() -> list[Check]:
    audit = audit_module()
    if audit is None:
        return []
    return [c for d in DESIGNS for c in
            [clean_check(audit, d.name), *(spoiled_check(audit, d.name, s) for s in SPOILS)]]
