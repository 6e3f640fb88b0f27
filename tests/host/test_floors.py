#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""test_floors.py - tools/floors.py finds an include that points up, and a circle that is too
large."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import floors
from lib.paths import ROOT


class Floors(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.tree = Path(tmp.name)

    def write(self, name, *included):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f'#include "{i}"\n' for i in included))

    def complaints(self):
        """The status, and what was printed after the floors."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = floors.main(self.tree)
        return status, out.getvalue()

    def test_this_tree(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(floors.main(ROOT), 0)

    def test_down_and_across(self):
        self.write("mm/frames.h")
        self.write("mm/heap.c", "mm/frames.h")
        self.write("kernel/sched/sched.c", "mm/frames.h")
        self.assertEqual(self.complaints()[0], 0)

    def test_up(self):
        self.write("kernel/sched/sched.h")
        self.write("mm/heap.c", "kernel/sched/sched.h")
        status, text = self.complaints()
        self.assertEqual(status, 1)
        self.assertIn("mm/heap.c includes kernel/sched/sched.h, which is above it", text)

    def test_ground(self):
        """What lies on the ground may be included by all, and includes next to nothing."""
        self.write("kernel/abi.h")
        self.write("kernel/lib/string.c", "kernel/abi.h")
        self.assertEqual(self.complaints()[0], 0)
        self.write("kernel/abi.h", "mm/heap.h")
        self.write("mm/heap.h")
        self.assertIn("lies on the ground", self.complaints()[1])

    def test_circles(self):
        names = [f"mm/{c}" for c in "abcd"]
        for here, there in zip(names, names[1:] + names[:1]):
            self.write(f"{here}.h")
            self.write(f"{here}.c", f"{there}.h")
        self.assertEqual(self.complaints()[0], 0)
        self.write("mm/d.c", "mm/e.h")
        self.write("mm/e.h", "mm/a.h")
        status, text = self.complaints()
        self.assertEqual(status, 1)
        self.assertIn("a circle of 5 rooms, at most 4", text)


if __name__ == "__main__":
    unittest.main()
