#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fuzz_parsers.py - `make fuzz-parsers`: libFuzzer on what the kernel parses, two parsers at once.

Environment: SECONDS= for each parser (60), T= only parsers whose name contains this, SEED= (0:
another one each time).

What was found goes on from run to run in build/fuzz-parsers/NAME/corpus, made minimal after each;
nothing is written to the tree.  An input that fails is kept there, and is to be looked at and
committed by hand. Prints one line a parser and, as the last line, `N passed, N failed`.
"""
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

from lib import parserfuzz, settings
from lib.longrun import tally

JOBS = 2
PATIENCE = 600              # beyond the seconds asked for: loading and making minimal


def chosen() -> list[str]:
    wanted = settings.given("T")
    names = [n for n in parserfuzz.names() if wanted in n]
    if not names:
        settings.refuse("T",
                        "no parser's name contains it; there are " + " ".join(parserfuzz.names()))
    return names


def make_minimal(name: str, program) -> int:
    """Of all inputs found so far keep the fewest that cover as much.  Returns how many those
    are."""
    corpus, fewer = program.parent / "corpus", program.parent / "fewer"
    shutil.rmtree(fewer, ignore_errors=True)
    fewer.mkdir()
    parserfuzz.run(program,
                   "-merge=1",
                   str(fewer),
                   str(parserfuzz.committed(name)),
                   str(corpus),
                   patience=PATIENCE)
    shutil.rmtree(corpus)
    fewer.rename(corpus)
    return len(list(corpus.iterdir()))


def fuzz(name: str, seconds: int, seed: int) -> tuple[bool, list[str]]:
    """(ok, lines)"""
    try:
        program = parserfuzz.build(name, parserfuzz.folder(name))
        corpus = program.parent / "corpus"
        corpus.mkdir(exist_ok=True)
        result = parserfuzz.run(program,
                                f"-max_total_time={seconds}",
                                f"-seed={seed}",
                                "-use_value_profile=1",
                                str(corpus),
                                str(parserfuzz.committed(name)),
                                patience=seconds + PATIENCE)
        if result.crash:
            return False, [
                f"{name}: FAILED after {result.executions:,} executions",
                *parserfuzz.told(name, result)
            ]
        kept = make_minimal(name, program)
        reached, there_are = parserfuzz.edges(name, corpus)
    except parserfuzz.FuzzError as error:
        return False, [f"{name}: {error}", *error.detail]
    return True, [
        f"{name}: {result.executions:,} executions, {reached} of {there_are} edges, {kept} "
        f"inputs kept"
    ]


def main() -> int:
    seconds = settings.number("SECONDS", 60, 1, 1_000_000)
    seed = settings.number("SEED", 0, 0, 2**32 - 1)
    names = chosen()
    if reason := parserfuzz.lacking():
        sys.exit(f"fuzz-parsers: {reason}")
    print(f"# {', '.join(names)}: {seconds} s each, {JOBS} at once", flush=True)
    results = []
    with ThreadPoolExecutor(JOBS) as pool:
        for ok, lines in pool.map(lambda name: fuzz(name, seconds, seed), names):
            results.append(ok)
            print("\n# ".join(lines), flush=True)
    return tally(results)


if __name__ == "__main__":
    sys.exit(main())
