# SPDX-License-Identifier: MIT
"""The document check can fail: each kind of name, there and gone, in a tree made up for it."""
import unittest

from check_docs import Tree, check, missing, spans

TEXTS = {
    "Makefile": "all: ## everything\nrun: iso\n",
    "mm/walls.h":
    "struct wall { int height; };\nint wall_build(struct wall *w);\n#define WALL_MAX 3\n",
    "entry/left.asm": "left_entry:\n.land:\n\tswapgs\n.leave:\n\tiretq\nother_entry:\n.land:\n",
    "entry/right.asm": "right_entry:\n",
    "tools/compare.py": 'write("results.json")\n',
}
TREE = Tree(TEXTS, {*TEXTS, "mm", "entry", "tools", "README.md", "docs", "docs/a.md"},
            ["left", "right"])

THERE = [
    "mm/walls.h", "walls.h", "mm/", "entry/*.asm", "entry/<design>.asm",
    "build/compare/results.json", "make run", "make run ENTRY=left", "wall_build()",
    "wall_build(w)", "left_entry", "left_entry.leave", ".land", "struct wall", "WALL_MAX", "SWAPGS",
    "iretq", "height"
]
GONE = {"mm/doors.h": "no such file", "doors.h": "no such file", "entry/*.py": "no such file",
        "tools/<design>.asm": "no such file", "build/compare/nothing.csv": "no such file",
        "make coffee": "no such target", "wall_tear_down()": "no such function",
        "other_entry.leave": "no such label", ".arrive": "no such label", "struct roof": "roof",
        "wall_max": "wall_max", "LFENCE": "LFENCE"}


class Names(unittest.TestCase):
    def test_what_exists_passes(self):
        for name in THERE:
            self.assertEqual(missing(TREE, name), "", name)

    def test_what_is_gone_fails(self):
        for name, why in GONE.items():
            self.assertIn(why, missing(TREE, name), name)


class Documents(unittest.TestCase):
    def problems(self, text, path="docs/a.md"):
        return list(check(TREE, path, text))

    def test_line_and_name_are_told(self):
        found = self.problems("fine: `mm/walls.h`\nnot fine: `wall_tear_down()`\n")
        self.assertEqual(found,
                         ["docs/a.md:2: `wall_tear_down()`: no such function: wall_tear_down"])

    def test_marks_end_on_their_line(self):
        self.assertIn("end of the line", self.problems("`struct\nwall`")[0])
        self.assertEqual(self.problems("```\nmake run\n```\n"), [])

    def test_links(self):
        self.assertEqual(
            self.problems("[up](../README.md) [x](../mm/walls.h#top) [web](https://example.org/x)"),
            [])
        self.assertIn("leads nowhere", self.problems("[up](README.md)")[0])
        self.assertIn("leads nowhere", self.problems("[gone](docs/b.md)", "README.md")[0])

    def test_fenced_blocks_hold_commands_only(self):
        text = "```\nmake coffee\nanything_else()\n```\n"
        self.assertEqual(list(spans(text)), [(2, "make coffee")])
        self.assertEqual(len(self.problems(text)), 1)


if __name__ == "__main__":
    unittest.main()
