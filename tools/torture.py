#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""torture.py - user/torture in every design for a long time: `make torture`.

Environment: ENTRY= one design (all of the registry), CPUS= (4), SECONDS= of guest time per design (600),
SEED= (1), ICOUNT=1 for a run that counts instructions instead: a second is then a billion of them; THREADS=1 for
nothing but threads and processes that come and go.

Prints the guest's phases as they come, a line per design, and as the last line `N passed, N failed`.
"""
import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from designs import designs     # noqa: E402
from qemu import Boot           # noqa: E402

PATIENCE = 8        # times the guest's seconds (a slow host), and what starting and settling may take
SETTLING = 300


def follow(log, done):
    """Print the torture lines of @log while they are written."""
    shown = 0
    while not done.wait(2):
        lines = [x for x in log.read_text(errors="replace").splitlines(keepends=True)
                 if x.startswith("torture:") and x.endswith("\n")] if log.exists() else []
        for line in lines[shown:]:
            print("#", line.rstrip(), flush=True)
        shown = len(lines)


def run(design, cpus, seconds, seed, icount, what):
    """Boot @design; True when it passed."""
    boot = Boot(cmdline=f"entry={design} tests={what}-{seconds * 1000} seed={seed}", cpus=cpus, icount=icount,
                what=f"{what}-{seed}", timeout=seconds * PATIENCE + SETTLING)
    boot.log.unlink(missing_ok=True)
    done = threading.Event()
    follower = threading.Thread(target=follow, args=(boot.log, done))
    follower.start()
    start = time.monotonic()
    try:
        outcome = boot.run()
    finally:
        done.set()
        follower.join()
    good = outcome.verdict == "pass"
    summary = [x for x in outcome.text.splitlines() if x.startswith("torture: seed")]
    print(f"{'ok' if good else 'not ok'} - {design}, {cpus} CPUs: "
          f"{summary[-1][len('torture: '):] if summary else outcome.describe()} ({time.monotonic() - start:.0f} s)")
    if not good:
        print("\n".join(f"# {x}" for x in outcome.text.splitlines()[-30:]))
    return good


def main():
    env = os.environ
    try:
        cpus, seconds, seed = (int(env.get(k) or v, 0) for k, v in
                               (("CPUS", "4"), ("SECONDS", "600"), ("SEED", "1")))
    except ValueError as error:
        return f"torture.py: CPUS=, SECONDS= and SEED= take whole numbers: {error}"
    names = [d.name for d in designs()]
    if env.get("ENTRY") and env["ENTRY"] not in names:
        return f"torture.py: ENTRY={env['ENTRY']}: no such design. Valid: {', '.join(names)}"
    what = "torture-threads" if env.get("THREADS") else "torture"
    results = [run(d, cpus, seconds, seed, bool(env.get("ICOUNT")), what)
               for d in ([env["ENTRY"]] if env.get("ENTRY") else names)]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
