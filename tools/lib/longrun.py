# SPDX-License-Identifier: MIT
"""longrun.py - boots that take long: the guest's progress is printed as it comes, and then how it
ended."""
import threading
import time
from pathlib import Path

from .boots import Boot
from .outcome import Outcome

LAST_LINES = 30     # of a boot that failed


def follow(log: Path, prefix: str, done: threading.Event) -> None:
    """Print the lines of @log that begin with @prefix while they are written."""
    shown = 0
    while not done.wait(2):
        text = log.read_text(errors="replace") if log.exists() else ""
        lines = [
            x for x in text.splitlines(keepends=True) if x.startswith(prefix) and x.endswith("\n")
        ]
        for line in lines[shown:]:
            print("#", line.rstrip(), flush=True)
        shown = len(lines)


def watched(boot: Boot, prefix: str) -> Outcome:
    boot.log.unlink(missing_ok=True)
    done = threading.Event()
    follower = threading.Thread(target=follow, args=(boot.log, prefix, done))
    follower.start()
    try:
        return boot.run()
    finally:
        done.set()
        follower.join()


def passes(boot: Boot, test: str, who: str, again: str = "") -> bool:
    """Boot and say how it went, of @who. @test: what the guest's lines begin with; @again: for one
    that failed."""
    start = time.monotonic()
    outcome = watched(boot, f"{test}:")
    good = outcome.verdict == "pass"
    last = [x for x in outcome.lines if x.startswith(f"{test}: seed")][-1:]
    said = last[0].removeprefix(f"{test}: ") if last else outcome.describe()
    print(f"{'ok' if good else 'not ok'} - {who}: {said} ({time.monotonic() - start:.0f} s)",
          flush=True)
    if not good:
        print("".join(f"# {x}\n" for x in [*outcome.tail(LAST_LINES), *([again] if again else [])]),
              end="",
              flush=True)
    return good


def tally(results: list[bool]) -> int:
    """Print how many passed; the exit status."""
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1
