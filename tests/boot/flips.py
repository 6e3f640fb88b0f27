# SPDX-License-Identifier: MIT
"""flips.py - the missed-flip oracle: leave one flip out, and it must be heard.

The sites are read from the image (.flip_sites), so a design's new flip is in the matrix without a
word here.  Each is overwritten with NOPs in a copy of the kernel file.  A missed flip out leaves
the program on the kernel root, whose lower half is NX: the first user instruction faults on its
fetch. A missed flip in touches kernel memory that the user root does not map: a page fault or a
double fault, reported.
"""
import re
import struct
import tempfile
from contextlib import ExitStack

from check import Boot, Check, Failed, report
from lib import paths
from lib.elf import built_kernel
from mutation.image import Copy

RECORD = struct.Struct("<QQ32s")    # struct flip_site, entry/design.h

# Only these ends count, and the program that runs has no faults of its own making.  It need not be
# init that dies: an interrupt that waits for the first return to user mode is taken before the
# first fetch, and its own, whole, way out heals that return.
PROGRAM = "test_threads"
FETCH_KILLED = r"(?m)^kill: process \d+ .*page fault.*fetch of .*\(error 15\)"
PANIC = r"(?m)^PANIC: (page|double) fault"


def flip_sites() -> dict[str, list[tuple[int, int]]]:
    """{name: [(address, length)]}. The same name may stand in two copies of one macro: both are
    skipped."""
    if not paths.kernel().exists():
        raise SystemExit(f"run_tests: no {paths.kernel()}: run `make` first")
    image = built_kernel()
    start, end = image.address("flip_sites_start"), image.address("flip_sites_end")
    sites = {}
    for address, length, name in RECORD.iter_unpack(image.read(start, end - start)):
        sites.setdefault(name.rstrip(b"\0").decode(), []).append((address, length))
    return sites


def skipped_flip_check(site: str, places: list[tuple[int, int]]) -> Check:
    design = site.split(".")[0]
    out = site.endswith(".out")

    def run() -> None:
        with tempfile.TemporaryDirectory(
                prefix=f"skip-{site}-") as directory, ExitStack() as skipped:
            copy = Copy(paths.build(), directory)
            for address, length in places:
                skipped.enter_context(copy.mutated(address, copy.elf.read(address, length)))
            outcome = Boot(f"entry={design} tests={PROGRAM}",
                           what=f"skip-{site}",
                           build=copy.directory,
                           timeout=60).run()
        if outcome.verdict not in ("panic", "fail"):
            raise Failed(f"{outcome.describe()}; expected a loud end", report(outcome))
        if not re.search(FETCH_KILLED if out else PANIC, outcome.text):
            raise Failed(f"the log does not contain /{FETCH_KILLED if out else PANIC}/",
                         report(outcome))
    return Check(f"{design}.skip-flip-{site.split('.', 1)[1]}", run)


def checks() -> list[Check]:
    return [skipped_flip_check(site, places) for site, places in sorted(flip_sites().items())]
