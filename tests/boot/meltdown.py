# SPDX-License-Identifier: MIT
"""meltdown.py - who reads which secret: what a split table promises, and what entry/exposure.json
says of a sleeping thread's registers; as the benchmark reports it, and for each pair of designs in
a mixed boot."""
import re

from check import DESIGNS, EXPOSURE, MIXED, Boot, Check, Failed, Outcome, expect, report

KERNELS_OWN = ("data", "heap", "kstack", "private")
SECRETS = (*KERNELS_OWN, "process", "registers")
READERS = ("unrelated", "sibling", "unrelated_at_once", "sibling_at_once")
# Column of the table that tests/user/test_meltdown.c prints -> which reader that is.
COLUMNS = {"entered": "", "at once": "_at_once", "elsewhere": "_at_once"}
WHO = {"stranger": "unrelated", "sibling": "sibling"}


def expected(victim: str, design: str, reader: str) -> set[str]:
    """What @reader, whose process has @design, reads of a victim of the design @victim."""
    if not EXPOSURE[design]["split"]:
        return set(SECRETS)
    found = {"process"} if reader.startswith("sibling") else set()      # its own memory
    same = victim == design and reader in EXPOSURE[design]["registers"]
    return found | ({"registers"} if same else set())


def meltdown_check(design: str) -> Check:
    def run() -> str:
        outcome = expect(Boot(f"entry={design} bench=exposure", what="meltdown").run(), "pass")
        figures = dict(re.findall(r"^BENCH exposure\.secret_(\w+) ([01])$", outcome.text, re.M))
        for reader in READERS:
            seen = {s for s in SECRETS if figures.get(f"{s}_{reader}") == "1"}
            if seen != expected(design, design, reader):
                raise Failed(f"{reader} reads {', '.join(sorted(seen)) or 'nothing'}",
                             report(outcome))
        if len(figures) != len(SECRETS) * len(READERS):
            raise Failed(f"{len(figures)} figures", report(outcome))
        readers = [r.replace("_", " ") for r in READERS if figures[f"registers_{r}"] == "1"]
        return f"registers of a sleeping thread: {', '.join(readers) or 'nobody'}"
    return Check(f"{design}.meltdown", run)


def rows(outcome: Outcome) -> list[dict[str, str]]:
    """Of the table that the guest prints, by its heading."""
    lines = [re.split(r"  +", line[1:].strip()) for line in outcome.lines
             if line.startswith("#") and "  " in line]
    if not lines or lines[0][0] != "victim":
        raise Failed("there is no table", report(outcome))
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def seen_by(cell: str) -> set[str]:
    return set(SECRETS) if cell == "all" else set(cell.split("+")) - {"-"}


def check_row(row: dict[str, str], cpus: int) -> str | None:
    """What is wrong with it."""
    for column, suffix in COLUMNS.items():
        if column == "elsewhere" and cpus == 1:
            continue
        wanted = expected(row["victim"], row["reader"], WHO[row["who"]] + suffix)
        if seen_by(row[column]) != wanted:
            return (f"a {row['who']} of {row['reader']} reads of {row['victim']}, {column}: "
                    f"{row[column]}; expected {'+'.join(sorted(wanted)) or '-'}")
    return None


def pairs_check(cpus: int) -> Check:
    """Each design's victim and each design's reader."""
    def run() -> str:
        outcome = expect(Boot(f"entry={MIXED} tests=mixed-test_meltdown", cpus=cpus,
                              what="mixed-meltdown").run(), "pass")
        table = rows(outcome)
        if wrong := [w for w in (check_row(row, cpus) for row in table) if w]:
            raise Failed(wrong[0], report(outcome))
        pairs = {(row["victim"], row["reader"]) for row in table if row["who"] == "stranger"}
        if len(pairs) != len(DESIGNS)**2 or len(table) != len(pairs) + len(DESIGNS):
            raise Failed(f"{len(pairs)} pairs in {len(table)} rows", report(outcome))
        return f"{len(pairs)} pairs of designs"
    return Check(f"mixed.meltdown-{cpus}", run)


def global_check(design: str) -> Check:
    """Were its entry stacks Global, others would find in the TLB what only its own processes may
    see."""
    def run() -> str:
        outcome = expect(
            Boot(f"entry={MIXED} tests=test_meltdown inject=audit-global-entry-stack:{design}",
                 what="meltdown-global").run(), "fail", r"^INJECT: ")
        found = [f"{row['reader']} reads {row[column]}" for row in rows(outcome)
                 if row["victim"] == design != row["reader"] and EXPOSURE[row["reader"]]["split"]
                 for column in COLUMNS if row[column] == "registers"]
        if not found:
            raise Failed("nobody reads its registers", report(outcome))
        return ", ".join(found)
    return Check(f"mixed.meltdown-global-{design}", run)


def checks() -> list[Check]:
    stacks = [d.name for d in DESIGNS if EXPOSURE[d.name]["entry_stack"] is not None]
    return [*(meltdown_check(d.name) for d in DESIGNS), pairs_check(1), pairs_check(4),
            *(global_check(name) for name in stacks if EXPOSURE[name]["registers"])]
