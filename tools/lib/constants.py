# SPDX-License-Identifier: MIT
"""constants.py - the kernel's numbers: macros of its headers, offsets of its structures
(tools/gen_constants.py)."""
import functools
import json
from pathlib import Path

from . import paths


@functools.lru_cache(maxsize=8)
def _read(path, _changed):
    return json.loads(path.read_text())


def read(path) -> dict[str, int]:
    """{name: value} of a constants.json; not to be changed."""
    return _read(Path(path).absolute(), Path(path).stat().st_mtime_ns)


def constants() -> dict[str, int]:
    """Those of the build directory."""
    return read(paths.build() / "gen" / "constants.json")


def frame_words() -> dict[str, int]:
    """{member: offset} of struct trapframe."""
    return {name[3:].lower(): value for name, value in constants().items()
            if name.startswith("TF_") and name != "TF_SIZE"}
