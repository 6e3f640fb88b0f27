#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run_tests.py - everything that `make test` runs: host unit tests and the boot matrix.

    run_tests.py [NAME]     all checks; or the one called NAME, a user test program's name
                            included; or all whose name contains it
    run_tests.py -l         list the names
    run_tests.py --lane MODULE [NAME]
                            likewise, of the checks that a module of tests/boot keeps out of `make
                            test`

Prints KTAP, in order, while a few checks run at once; the last line is `N passed, N failed`.
The checks live in tests/boot/*.py.
"""
import importlib
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from lib.paths import ROOT

sys.path.insert(0, str(ROOT / "tests" / "boot"))

import guest                                # noqa: E402
from check import Check, Failed, Skipped    # noqa: E402

SLOWEST = 12        # checks that are named at the end, with their time
WORKERS = max(1, min(os.cpu_count() or 1, 4))


def all_checks() -> list[Check]:
    """Every module's checks; two with one name would hide each other, so that is an error."""
    found = []
    for path in sorted((ROOT / "tests" / "boot").glob("*.py")):
        if path.stem != "check":
            found += importlib.import_module(path.stem).checks()
    names = [c.name for c in found]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        sys.exit(f"run_tests: two checks are called {', '.join(sorted(twice))}")
    return found


def select(checks: list[Check], wanted: str) -> list[Check]:
    chosen = ([c for c in checks if c.name == wanted] or guest.on_request(wanted)
              or [c for c in checks if wanted in c.name])
    if not chosen:
        programs = sorted(p.stem for p in (ROOT / "tests" / "user").glob("test_*.c"))
        sys.exit(f"run_tests: no test's name contains '{wanted}'. Valid names:\n  "
                 + "\n  ".join([c.name for c in checks] + programs))
    return chosen


def carry_out(check: Check) -> tuple[float, bool, str, list[str]]:
    """(seconds, ok, remark after the name, lines of diagnosis)."""
    start = time.monotonic()
    result = result_of(check)
    return time.monotonic() - start, *result


def result_of(check: Check) -> tuple[bool, str, list[str]]:
    """(ok, remark, diagnosis).  A bug in a check is a failure, not an end."""
    try:
        remark = check.run()
        return True, f" # {remark}" if remark else "", []
    except Skipped as skip:
        return True, f" # SKIP {skip}", []
    except Failed as failure:
        return False, "", [str(failure), *failure.detail]
    except Exception:   # pylint: disable=broad-except
        return False, "", traceback.format_exc().splitlines()


def main() -> int:
    arguments = sys.argv[1:]
    lane = arguments[:1] == ["--lane"]
    checks = importlib.import_module(arguments[1]).lane() if lane else all_checks()
    wanted = "".join(arguments[2:3] if lane else arguments[:1])
    if wanted == "-l":
        print("\n".join(c.name for c in checks))
        return 0
    checks = select(checks, wanted) if wanted else checks
    start, failed, took = time.monotonic(), [], []
    print(f"KTAP version 1\n1..{len(checks)}", flush=True)
    with ThreadPoolExecutor(WORKERS) as pool:
        for number, (check, result) in enumerate(zip(checks, pool.map(carry_out, checks)), 1):
            seconds, ok, remark, diagnosis = result
            took.append((seconds, check.name))
            failed += [] if ok else [check.name]
            print(f"{'ok' if ok else 'not ok'} {number} {check.name}{remark}")
            print("".join(f"# {line}\n" for line in diagnosis), end="", flush=True)
    if len(checks) > SLOWEST:
        print("# slowest: " + ", ".join(f"{name} {seconds:.0f} s"
                                        for seconds, name in sorted(took)[:-SLOWEST - 1:-1]))
    print(f"# {time.monotonic() - start:.0f} s" + "".join(f"\n# failed: {name}" for name in failed))
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
