# SPDX-License-Identifier: MIT
"""Mutants: what is an instruction, what a signature says, how a run goes on, what explains a
survivor."""
import importlib.util
import json
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

from lib.elf import Symbol
from lib.outcome import Outcome
from mutation import boot, explain, page, results
from mutation.image import Copy
from mutation.killers import KILLERS, Killer

HAVE_CAPSTONE = importlib.util.find_spec("capstone") is not None
Row = namedtuple("Row", "address data path step text vector offset", defaults=(None, 0))
Named = namedtuple("Named", "name")
INSN = Row(0x1000, b"\x0f\x01\xf8", "idt_entry", "gs", "swapgs")

BASE, STUB, NOTYPE = 0x10000, 16, "STT_NOTYPE"
STUBS_END = BASE + 256 * STUB


def made_up_text():
    """256 stubs, an entry with two steps after them, a C function; gaps of int3 and nop between."""
    code = bytearray(b"\xcc" * (256 * STUB))
    for v in range(256):
        jump = STUBS_END - (BASE + v * STUB + 10)
        code[v * STUB:v * STUB +
             10] = b"\x68" + v.to_bytes(4, "little") + b"\xe9" + jump.to_bytes(4, "little")
    code += b"\xfc" + b"\xe8\x0a\x00\x00\x00" + b"\x48\xcf"          # cld; .work: call x_c; iretq
    code += b"\xcc" * 8 + b"\x90\xc3" + b"\x0f\x1f\x00" * 2           # x_c: nop; ret; padding
    return bytes(code)


class MadeUpKernel:
    """What EntryText asks of an Elf."""
    data = made_up_text()
    symbols = [
        Symbol("x_stubs", BASE, 0, NOTYPE, 1),
        Symbol("x_entry", STUBS_END, 0, NOTYPE, 1),
        Symbol("x_entry.land", STUBS_END, 0, NOTYPE, 1),
        Symbol("x_entry.work", STUBS_END + 1, 0, NOTYPE, 1),
        Symbol("x_c", STUBS_END + 16, 2, "STT_FUNC", 1)
    ]

    by_name = {s.name: s for s in symbols}

    def address(self, name):
        return {
            "entry_x_text_start": BASE, "entry_x_text_end": BASE + len(self.data), "x_stubs": BASE
        }[name]

    def read(self, address, length):
        return self.data[address - BASE:address - BASE + length]

    def near(self, address):
        at = [s for s in self.symbols if s.address <= address][-1]
        same = [s.name for s in self.symbols if s.address == at.address]
        return next((n for n in same if "." in n), same[-1]), address - at.address


@unittest.skipUnless(HAVE_CAPSTONE, "python3-capstone is not installed")
class Instructions(unittest.TestCase):
    def setUp(self):
        from vmeasure.entrytext import EntryText
        self.text = EntryText(MadeUpKernel(), "x", STUB)

    def test_padding_is_none(self):
        self.assertEqual(len(self.text.instructions), 2 * 256 + 3 + 2)
        self.assertEqual(self.text.padding(), 256 * (STUB - 10) + 8 + 6)

    def test_place_and_text(self):
        last = self.text.instructions[-5:]
        self.assertEqual([(i.path, i.step, i.offset, i.text) for i in last],
                         [("entry", "land", 0, "cld"), ("entry", "work", 0, "call c"),
                          ("entry", "work", 5, "iretq"), ("c", "", 0, "nop"), ("c", "", 1, "ret")])
        self.assertEqual((last[1].calls, self.text.c_paths), ("x_c", {"c"}))

    def test_stubs(self):
        stub = [i for i in self.text.instructions if i.vector == 7]
        self.assertEqual([(i.path, i.offset, i.text) for i in stub],
                         [("stubs", 0, "push 7"), ("stubs", 5, "jmp entry.land")])


    def test_one_stub_of_each_kind_is_mutated(self):
        """All of these look alike: one jump, two instructions."""
        self.assertEqual(self.text.one_stub_a_kind(), {0})
        self.assertEqual([i.vector for i in self.text.mutated()], [0, 0] + [None] * 5)


class Signatures(unittest.TestCase):
    def said(self, status, text):
        with tempfile.TemporaryDirectory() as tmp:
            log = Path(tmp) / "log"
            log.write_text(text)
            return boot.signature(Outcome(status, log, 0.0))

    def test_kinds(self):
        self.assertEqual(self.said(None, "1..1\n"), "hang")
        self.assertEqual(self.said(0, "hello\n"), "triple fault")
        self.assertEqual(
            self.said(37, "x\nPANIC: page fault at ffffffff80123456, cpu 3\nEXIT 18\n"),
            "panic: page fault at #, cpu #")
        self.assertEqual(
            self.said(35, "# test_x was killed by vector 14\nnot ok 1 - test_x\nEXIT 17\n"),
            "test_x was killed by vector 14")
        self.assertEqual(self.said(35, "not ok 1 - test_y\nEXIT 17\n"), "test_y")
        self.assertEqual(self.said(33, "hello\n"), "verdict died, QEMU status 33")

    def test_numbers(self):
        self.assertEqual(boot.normal("cr2 0000000000000000 at 0x1f process 12 vector 14, added"),
                         "cr2 # at # process # vector 14, added")

    def test_hangs(self):
        limits = boot.Limits(cpu=1.0, wall=2.0)
        busy = boot.CPU_FACTOR + boot.CPU_EXTRA
        self.assertFalse(limits.exceeded(busy - 0.1, 60, 0.5))      # a slow host
        self.assertTrue(limits.exceeded(busy + 0.1, 6, 1.0))
        self.assertTrue(limits.exceeded(0.5, 60, 0.01))             # idle for ever
        self.assertFalse(limits.exceeded(0.5, 5, 0.01))             # idle for a moment
        self.assertFalse(boot.Limits().exceeded(90, 90, 1.0))
        self.assertTrue(boot.Limits().exceeded(1, boot.WALL_LIMIT + 1, 1.0))


class Resuming(unittest.TestCase):
    ROW = {
        "address": "0x1000", "data": "0f01f8", "tried": ["a"], "killed_by": None, "signature": ""
    }

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "x.jsonl"

    def tearDown(self):
        self.directory.cleanup()

    def test_rows_come_back(self):
        results.Results(self.path, "i1").add(self.ROW)
        self.assertEqual(results.Results(self.path, "i1").find(INSN)["tried"], ["a"])
        self.assertIsNone(results.Results(self.path, "i2").find(INSN))
        self.assertIsNone(results.Results(self.path, "i1").find(INSN._replace(data=b"\x90")))

    def test_a_line_cut_short(self):
        results.Results(self.path, "i").add(self.ROW)
        with open(self.path, "a") as f:
            f.write('{"image": "i", "addr')
        again = results.Results(self.path, "i")
        self.assertEqual(len(again.rows), 1)
        again.add({**self.ROW, "address": "0x2000"})
        self.assertEqual(len(results.Results(self.path, "i").rows), 2)

    def test_only_new_killers_are_tried(self):
        a, b = Killer("a"), Killer("b", cpus=2)
        self.assertEqual(results.remaining(None, [a, b]), [a, b])
        self.assertEqual(results.remaining(self.ROW, [a, b]), [b])
        self.assertEqual(results.remaining({**self.ROW, "killed_by": "c"}, [a, b]), [])
        first = results.Results(self.path, "i")
        first.add(self.ROW)
        first.add({**self.ROW, "tried": ["b x2"]})
        self.assertEqual(results.Results(self.path, "i").find(INSN)["tried"], ["a", "b x2"])

    def test_killers_have_titles_of_their_own(self):
        self.assertEqual(len({k.title for k in KILLERS}), len(KILLERS))


class Explanations(unittest.TestCase):
    RULE = {"paths": ["idt_entry"], "step": "gs", "text": "swapgs", "reason": "because"}

    def load(self, *rules):
        with tempfile.TemporaryDirectory() as tmp:
            path = Path(tmp) / "mutants.json"
            path.write_text(json.dumps({"harmless": rules}))
            return explain.load(path)

    def test_strictly_matched(self):
        rules = self.load(self.RULE)
        self.assertEqual(explain.reason(rules, Named("x"), INSN), "because")
        for other in (INSN._replace(path="nmi"), INSN._replace(step="land"),
                      INSN._replace(text="swapg")):
            self.assertEqual(explain.reason(rules, Named("x"), other), "")

    def test_designs_and_staleness(self):
        rules = self.load({**self.RULE, "designs": ["y"]})
        self.assertEqual(explain.reason(rules, Named("x"), INSN), "")
        self.assertEqual(explain.stale(rules), rules)
        self.assertEqual(explain.reason(rules, Named("y"), INSN), "because")
        self.assertEqual(explain.stale(rules), [])

    def test_a_rule_without_reason_is_none(self):
        for wrong in ({**self.RULE, "reason": " "}, {**self.RULE, "wildcard": 1}, {"paths": []}):
            with self.assertRaises(ValueError):
                self.load(wrong)


class MadeUpOutcomes:
    """Three mutants of one design: two killed, one that survives."""
    text = type("Text", (), {"padding": staticmethod(lambda: 42)})
    subject, name = Named("x"), "x"

    def __init__(self):
        insns = [
            INSN._replace(offset=n, text=t) for n, t in enumerate(("push rdi", "swapgs", "lfence"))
        ]
        ends = [(KILLERS[1].title, "hang"), (KILLERS[1].title, "triple fault"), (None, "")]
        self.rows = self.tried = [(i, {"killed_by": k, "signature": s})
                                  for i, (k, s) in zip(insns, ends)]
        self.killed, self.survivors = self.rows[:2], self.rows[2:]


class Pages(unittest.TestCase):
    RULE = explain.Rule(["idt_entry"], "gs", "lfence", "no emulator speculates")

    def setUp(self):
        self.page = page.text([MadeUpOutcomes()], [self.RULE], "Image x.\n")
        self.list = page.full([MadeUpOutcomes()], "Image x.\n")

    def test_counts_and_survivors(self):
        for line in ("| mutants | 3 |", "| killed | 2 |", "| by %s | 2 |" % KILLERS[1].title,
                     "| survivors | 1 |", "| bytes of padding | 42 |",
                     "| idt_entry.gs+2: lfence | all | no emulator speculates |"):
            self.assertIn(line + "\n", self.page)

    def test_it_is_a_page(self):
        self.assertLess(len(self.page.splitlines()), 60)
        # killed nothing: named, without a row
        self.assertNotIn("| by %s |" % KILLERS[0].title, self.page)
        self.assertIn(KILLERS[0].title, self.page)
        self.assertNotIn("triple fault", self.page)

    def test_the_list_has_every_mutant(self):
        for words in ("| idt_entry | .gs | 3, 1 survive |", "+0    push rdi", "+1    swapgs",
                      "triple fault", "survives"):
            self.assertIn(words, self.list)
        self.assertIn(page.LIST, self.page)


class Blanking(unittest.TestCase):
    def test_bytes_come_back(self):
        # An ELF file with one segment: 16 bytes of file from offset 0x100 at 0x1000.
        elf = bytearray(0x110)
        elf[:6] = b"\x7fELF\x02\x01"
        elf[0x20:0x28] = (0x40).to_bytes(8, "little")
        elf[0x36:0x3a] = (56).to_bytes(2, "little") + (1).to_bytes(2, "little")
        for at, value in ((0x40, 1), (0x48, 0x100), (0x50, 0x1000), (0x60, 16), (0x68, 16)):
            elf[at:at + 8] = value.to_bytes(8, "little")
        elf[0x104:0x107] = INSN.data
        with tempfile.TemporaryDirectory() as tmp:
            (Path(tmp) / "vestibule.elf").write_bytes(elf)
            copy = Copy(tmp, Path(tmp) / "worker")
            with copy.mutated(0x1004, INSN.data):
                self.assertEqual(copy.kernel.read_bytes()[0x103:0x108], b"\0\x90\x90\x90\0")
            self.assertEqual(copy.kernel.read_bytes(), bytes(elf))
            with self.assertRaises(ValueError):
                with copy.mutated(0x1005, INSN.data):
                    self.fail("a mutant of other bytes")


if __name__ == "__main__":
    unittest.main()
