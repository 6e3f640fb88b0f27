# SPDX-License-Identifier: MIT
"""parsers.py - what the kernel parses, fuzzed on the host: each harness of tests/host/fuzz
with its committed inputs and some thousand more that a fixed seed makes.  `make fuzz-parsers`
goes on from there."""
import shutil

from check import Check, Failed, Skipped
from lib import parserfuzz

SEED = 1
RUNS = 10000
DEARER = {"acpi": 1500, "bootmem": 5000, "elf": 5000}    # an execution takes ten times as long
PATIENCE = 600                  # seconds, for a hang


def executed_files(name: str) -> int:
    files = [p for p in parserfuzz.committed(name).glob("*") if p.is_file()]
    if not files:
        raise Failed(f"no input in {parserfuzz.committed(name)}")
    return len(files)


def fuzz(name: str) -> str:
    """The first folder takes what is found, so that nothing is written to the tree."""
    if reason := parserfuzz.lacking():
        raise Skipped(reason)
    count = executed_files(name)
    into = parserfuzz.folder(name) / "test"
    shutil.rmtree(into, ignore_errors=True)
    found = into / "found"
    found.mkdir(parents=True)
    try:
        result = parserfuzz.run(parserfuzz.build(name, into),
                                f"-runs={DEARER.get(name, RUNS)}",
                                f"-seed={SEED}",
                                str(found),
                                str(parserfuzz.committed(name)),
                                patience=PATIENCE)
    except parserfuzz.FuzzError as error:
        raise Failed(str(error), error.detail) from None
    if result.crash:
        raise Failed("a property does not hold", parserfuzz.told(name, result))
    if result.executions < DEARER.get(name, RUNS) or not result.edges:
        raise Failed(f"only {result.executions} executions, {result.edges} edges",
                     result.text.splitlines()[-30:])
    return f"{count} inputs, {result.executions} executions, {result.edges} edges"


def checks() -> list[Check]:
    return [Check(f"parsers.{name}", lambda name=name: fuzz(name)) for name in parserfuzz.names()]
