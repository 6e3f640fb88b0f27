# SPDX-License-Identifier: MIT
"""bare.py - the kernel without the probe (make iso PROBE=0): the same text, and an image that boots
and runs init."""
import re
import tarfile

from check import DESIGNS, WELCOME, Boot, Check, Failed, expect
from lib import paths
from lib.elf import opened

LEAST_SHARE = 15        # percent of text and rodata that are the probe's


def same_text() -> str:
    """tools/same_text.py, part of each build, has compared them; the probe is no small part."""
    said = (paths.build() / "same-text.txt").read_text().strip()
    share = re.search(r"([\d.]+)% of both", said)
    if not share or float(share[1]) < LEAST_SHARE:
        raise Failed(f"{said}: at least {LEAST_SHARE}% are due")
    return said


def none_of_it() -> str:
    """No function of tests/ is in the kernel, and no program of theirs in the archive."""
    with_probe, bare = opened(paths.kernel()), opened(paths.build() / "bare.elf")
    start, end = (with_probe.address(f"probe_{part}") for part in ("text_start", "text_end"))
    theirs = {s.name
              for s in with_probe.code_symbols()
              if start <= s.address < end} - {"probe_text_start"}
    ours = {s.name for s in with_probe.code_symbols() if not start <= s.address < end}
    left = sorted((theirs - ours) & {s.name for s in bare.code_symbols()})
    if left or "probe_install" not in theirs:
        raise Failed(
            f"of the probe's {len(theirs)} functions there are still: "
            f"{', '.join(left[:10]) or 'it has none'}"
        )
    with tarfile.open(paths.build() / "bare-archive.tar") as archive:
        programs = archive.getnames()
    if programs != ["designs", "init"]:
        raise Failed(f"the archive has {', '.join(programs)}")
    return f"{len(theirs)} functions less"


def boots(name: str, mode: str) -> None:
    expect(
        Boot(f"entry={name}", bare=True, cpus=2, mode=mode, what=f"bare-{mode}",
             until=WELCOME).run(), "reached")


def demonstrates() -> None:
    """What its menu offers is there."""
    expect(Boot("run=designs", bare=True, what="bare-designs", until="The machine is yours").run(),
           "reached", r"^  design +ticks/call ")


def refuses() -> None:
    for line in ("tests=user", "bench=all"):
        expect(
            Boot(line, bare=True, what="bare-refuses").run(), "usage",
            r"need an image with the probe")
    expect(
        Boot("inject=panic", bare=True, what="bare-refuses").run(), "usage",
        r"this image has no probe")


def checks() -> list[Check]:
    found = [
        Check("bare.same-text", same_text),
        Check("bare.none-of-it", none_of_it),
        Check("bare.demonstrates", demonstrates),
        Check("bare.refuses", refuses)
    ]
    for d in DESIGNS:
        for mode in ("pvh", "iso-bios"):
            found.append(Check(f"{d.name}.bare-{mode}", lambda d=d, mode=mode: boots(d.name, mode)))
    return found
