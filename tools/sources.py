#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""sources.py - the project's own files, one a line.

    sources.py [PATTERN...]     those that match one; a * of a pattern goes over slashes too

A pattern that no file matches is an error: who asked for it would look at nothing.
"""
import fnmatch
import sys

from lib.paths import ROOT
from lib.sources import sources


def main() -> None:
    names = sources()
    for pattern in sys.argv[1:]:
        if not fnmatch.filter(names, pattern):
            sys.exit(f"sources.py: no file of {ROOT} matches {pattern}")
    wanted = sys.argv[1:] or ["*"]
    print("\n".join(n for n in names if any(fnmatch.fnmatchcase(n, p) for p in wanted)))


if __name__ == "__main__":
    main()
