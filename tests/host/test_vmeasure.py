# SPDX-License-Identifier: MIT
"""The comparison's own arithmetic: samples, bars, source lines, packets, and events of a made-up
trace."""
import importlib.util
import unittest

from lib.areas import Areas
from lib.designs import designs, splits
from lib import gdb
from vmeasure import mixed, pages, report, stats
from vmeasure.code_figures import asm_lines, c_lines
from vmeasure.stepper import REGISTERS, Step, Trace

HAVE_CAPSTONE = importlib.util.find_spec("capstone") is not None
LAYOUT = {
    "USER_END": 0x7ffffffff000, "KSTACK_AREA_BASE": 0xffff880000000000, "KSTACK_SLOT_PAGES": 4,
    "HEAP_AREA_BASE": 0xffff900000000000, "MMIO_AREA_BASE": 0xffff980000000000,
    "CPU_ENTRY_AREA_BASE": 0xffffa00000000000, "CEA_FIRST_BLOCK": 0xffffa00000020000,
    "CEA_BLOCK_PAGES": 32, "CEA_ENTRY_STACKS_PAGE": 18, "CEA_NMI_STACK_PAGE": 7,
    "CEA_DOOR_PAGE": 15,
    "TRAMPOLINE_AREA_BASE": 0xffffa80000000000, "TRAMPOLINE_SLOT_PAGES": 2,
    "KERNEL_IMAGE_BASE": 0xffffffff80000000,
}
ENTRY_TOP = 0xffffa00000020000 + 19 * 4096
KSTACK_TOP = 0xffff880000000000 + 3 * 4096
TEXT = 0xffffffff80010000
STUBS = 0xffffffff80020000


class Samples(unittest.TestCase):
    def test_lines_append(self):
        log = "boot\nBENCH a.ticks 3 1\r\nBENCH a.ticks 2\nBENCH memory.per_cpu 7\n"
        self.assertEqual(stats.parse_bench(log),
                         {"a": {"ticks": [3, 1, 2]}, "memory": {"per_cpu": [7]}})

    def test_garbled_line_is_an_error(self):
        for line in ("BENCH a.ticks", "BENCH a 1", "BENCH a.ticks 1 x", "BENCH a.b 1[ 2"):
            with self.assertRaises(stats.BadLine):
                stats.parse_bench(line)

    def test_quantiles_are_samples(self):
        self.assertEqual(stats.median([4, 1, 3, 2]), 2)
        self.assertEqual(stats.quantile(range(1, 101), 0.99), 99)
        self.assertEqual(stats.quantile([5], 0.99), 5)
        self.assertEqual(stats.summary([9]), 9)

    def test_ratio_is_against_the_first_design(self):
        runs = [("x", {"a": {"ticks": [10, 10, 99]}}), ("y", {"a": {"ticks": [25]}}),
                ("x", {"a": {"ticks": [10]}}), ("y", {"a": {"ticks": [20]}}),
                ("y", {"a": {"ticks": [20]}})]
        self.assertEqual(stats.ratios(runs, ["x", "y"]), {"a": {"x": 1.0, "y": 2.0}})


class Guests(unittest.TestCase):
    """A design's figures in a boot of its own, and as a guest."""
    OWN = {"a": {"m": [5, 6]}, "b": {"m": [7]}}

    def problems(self, guest, **reasons):
        reasons = {name.replace("_", "."): why for name, why in reasons.items()}
        return list(mixed.differences(self.OWN, guest, reasons))

    def test_equal_figures_need_no_reason(self):
        self.assertEqual(self.problems(self.OWN), [])
        self.assertIn("says why", self.problems(self.OWN, a_m="because")[0])

    def test_another_figure_needs_one(self):
        other = {**self.OWN, "a": {"m": [5, 7]}}
        self.assertIn("a.m: [5, 6]", self.problems(other)[0])
        self.assertEqual(self.problems(other, a_m="because"), [])
        self.assertEqual(len(self.problems(other, b_m="because")), 2)

    def test_so_does_a_figure_that_one_of_them_lacks(self):
        for guest in ({"a": self.OWN["a"]}, {**self.OWN, "c": {"m": [1]}}):
            self.assertEqual(len(self.problems(guest)), 1)
        self.assertEqual(self.problems({"a": self.OWN["a"]}, b_m="because"), [])

    def test_a_reason_for_nothing_is_noticed(self):
        self.assertEqual(len(self.problems(self.OWN, z_m="because")), 1)

    def test_every_reason_is_of_a_design(self):
        names = [d.name for d in designs()]
        self.assertEqual(list(mixed.explained()), names)
        self.assertTrue(all(why for reasons in mixed.explained().values()
                            for why in reasons.values()))

    def test_hosts_isolate_and_are_others(self):
        hosts = [d.name for d in designs() if splits(d)]
        for d in designs():
            self.assertNotEqual(mixed.host(d.name), d.name)
            self.assertIn(mixed.host(d.name), hosts)


class Turns(unittest.TestCase):
    """Designs timed side by side."""
    ORDER = ["x", "y"]

    @staticmethod
    def log(*turns):
        return "boot\n" + "".join("DESIGN %s\nBENCH %s.instructions %s\nBENCH %s.gap 1\n" %
                                  (design, bench, values, bench)
                                  for design, bench, values in turns)

    def test_a_turn_is_its_median(self):
        log = self.log(("x", "a", "1 2 9"), ("y", "a", "4"), ("x", "a", "3"), ("y", "a", "9"),
                       ("x", "b", "5"), ("y", "b", "6"))
        self.assertEqual(mixed.turns(log, self.ORDER),
                         {"a": {"x": [2, 3], "y": [4, 9]}, "b": {"x": [5], "y": [6]}})

    def test_turns_out_of_turn_are_an_error(self):
        for turns in ((), [("y", "a", "1"), ("x", "a", "1")], [("x", "a", "1")],
                      [("x", "a", "1"), ("y", "b", "1")],
                      [("x", "a", "1"), ("y", "a", "1"), ("y", "a", "1")]):
            with self.assertRaises(stats.BadLine):
                mixed.turns(self.log(*turns), self.ORDER)

    def test_a_ratio_is_within_its_round(self):
        rounds = [{"a": {"x": [2, 10], "y": [4, 30]}}, {"a": {"x": [5, 0], "y": [5, 7]}}]
        self.assertEqual(mixed.by_rounds(rounds), {"a": {"x": [1, 1, 1], "y": [2, 3, 1]}})
        self.assertEqual(mixed.medians(mixed.by_rounds(rounds)), {"a": {"x": 1, "y": 2}})

    def test_boots_in_turn_are_rounds(self):
        boots = [(d, {"a": {"ticks": [n, n, 99]}, "memory": {"bytes": [1]}})
                 for d, n in (("x", 2), ("y", 4), ("x", 3), ("y", 9))]
        self.assertEqual(mixed.boots_as_rounds(boots, self.ORDER),
                         [{"a": {"x": [2], "y": [4]}}, {"a": {"x": [3], "y": [9]}}])
        self.assertEqual(mixed.boots_as_rounds([], self.ORDER), [])

    def test_the_first_alone_against_its_turns(self):
        turns = [{"a": {"x": [4, 4], "y": [1, 1]}, "b": {"x": [1, 1], "y": [1, 1]}}]
        self.assertEqual(mixed.alone([{"a": {"ticks": [2]}}, {"a": {"ticks": [3]}}], turns, "x"),
                         {"a": {"x": 0.5}})

    def test_spread_of_both_ways(self):
        ways = {"boots": {"a": {"x": [1, 1], "y": [1, 2, 3, 4]}},
                "turns": {"a": {"x": [1, 1], "y": [2, 2, 2, 2]}, "b": {"x": [1], "y": [1]}}}
        lines = mixed.spread_table(ways, self.ORDER).splitlines()
        self.assertEqual(lines[0], "| | y |")
        self.assertEqual(lines[2:4], ["| a, boots | 2.00 (1.00 to 3.00) |",
                                      "| a, turns | 2.00 (2.00 to 2.00) |"])
        self.assertIn("boots | 100 % |", lines[4])
        self.assertIn("turns | 0 % |", lines[5])
        self.assertEqual(len(mixed.spread_table({"boots": {}, "turns": ways["turns"]},
                                                self.ORDER).splitlines()), 2)


class Bars(unittest.TestCase):
    RESULTS = {
        "x": {"a": {"m": 10}, "b": {"m": 12}}, "y":
        {"a": {"m": {"min": 1, "median": 15, "p99": 90, "max": 99, "n": 9}}}
    }

    def passed(self, **bar):
        bar = {"design": "y", "benchmark": "a", "metric": "m", **bar}
        return report.check_bars([bar], self.RESULTS)[0][0]

    def test_bounds(self):
        self.assertTrue(self.passed(at_most=15))
        self.assertFalse(self.passed(at_most=14))
        self.assertTrue(self.passed(at_least=15, at_most=15))
        self.assertFalse(self.passed(equal=14))
        self.assertTrue(self.passed(minus="x", at_most=5))
        self.assertFalse(self.passed(minus="x", at_most=4))
        self.assertTrue(self.passed(design="x", benchmark="b", minus_benchmark="a", equal=2))
        self.assertTrue(self.passed(minus="x", minus_benchmark="b", equal=3))

    def test_missing_or_unbounded_is_a_miss(self):
        self.assertFalse(self.passed(metric="nothing", at_most=9))
        self.assertFalse(self.passed(minus="nobody", at_most=9))
        self.assertFalse(self.passed(minus_benchmark="nothing", at_most=9))
        self.assertFalse(self.passed())


class Tables(unittest.TestCase):
    """docs/results.md's table, and README.md's, which is made of it."""
    NAMES = ["x", "y"]

    def setUp(self):
        sections = {}
        for n, (_, section, row) in enumerate(pages.SHORT):
            sections.setdefault(section + " and more", []).append((row, n))
        lines = ["| | x | y |", "|---|---:|---:|"]
        for heading, rows in sections.items():
            lines += ["| **%s** | | |" % heading
                      ] + ["| %s | %d | -%d |" % (row, n, n) for row, n in rows]
        self.table = "\n".join(lines + ["", "*QEMU*"]) + "\n"
        self.results = "# R\n%s%s%send\n" % (pages.BEGIN, self.table, pages.END)
        self.readme = "# V\n%s%s%send\n" % (pages.BEGIN, pages.short(self.table), pages.END)
        self.measuring = "# M\n%s| | y |\n|---|---:|\n%s" % (pages.BEGIN, pages.END)

    def problems(self, results="", readme="", measuring=""):
        return list(pages.problems(results or self.results, readme or self.readme,
                                   measuring or self.measuring, self.NAMES))

    def test_cells_are_the_whole_tables(self):
        lines = pages.short(self.table).splitlines()
        self.assertEqual(lines[0], "| | x | y |")
        self.assertEqual(
            lines[2:], ["| %s | %d | -%d |" % (row[0], n, n) for n, row in enumerate(pages.SHORT)])
        self.assertLessEqual(len(pages.SHORT), pages.MOST_ROWS)
        self.assertEqual(self.problems(), [])

    def test_a_number_of_ones_own_is_noticed(self):
        self.assertIn("README.md", self.problems(readme=self.readme.replace("| 3 |", "| 2 |"))[0])
        self.assertIn("README.md", self.problems(results=self.results.replace("| 3 |", "| 2 |"))[0])
        self.assertIn("columns", self.problems(results=self.results.replace("| y |", "| z |"))[0])
        self.assertIn("docs/measuring.md",
                      self.problems(measuring=self.measuring.replace("| y |", "| x |"))[0])

    def test_what_is_missing_is_noticed(self):
        self.assertIn("compare:begin", self.problems(readme="# V\n")[0])
        self.assertIn("irq_user",
                      self.problems(results=self.results.replace("| irq_user", "| other"))[0])

    def test_only_the_table_is_replaced(self):
        self.assertEqual(pages.replaced(self.readme, "new"),
                         "# V\n%snew\n%send\n" % (pages.BEGIN, pages.END))
        self.assertEqual(pages.replaced(self.results, self.table), self.results)
        with self.assertRaises(pages.NoTable):
            pages.replaced("# V\n", "new")


class SourceLines(unittest.TestCase):
    def test_asm(self):
        self.assertEqual(asm_lines("; head\n\n\tnop ; one\nlabel:\n\tdb ';', \"a;b\"\n"), 3)

    def test_c(self):
        self.assertEqual(
            c_lines('/* a\n * b */\nint x; // y\n\nchar *s = "/* no */";\n/* c */ int z;\n'), 3)


class Packets(unittest.TestCase):
    def test_frame_and_runs(self):
        self.assertEqual(gdb.frame_packet(b"g"), b"$g#67")
        self.assertEqual(gdb.expand_runs(b"0* 1"), b"00001")

    def test_layout_follows_the_description(self):
        xml = '<feature><reg name="rax" bitsize="64"/><reg name="eflags" bitsize="32"/>' \
              '<reg name="cr3" bitsize="64"/></feature>'
        self.assertEqual(gdb.parse_target([xml]), [("rax", 0, 8), ("eflags", 8, 4), ("cr3", 12, 8)])


class NoSymbols:
    """An ELF file without symbols."""

    @staticmethod
    def near(_):
        return None, 0


def step(code, **registers):
    """A kernel-mode step; registers not given are 0."""
    values = dict.fromkeys(REGISTERS, 0)
    values.update(rip=TEXT, cs=8, rsp=KSTACK_TOP, cr3=0x200000)
    values.update(registers)
    return Step(**values, code=bytes.fromhex(code))


@unittest.skipUnless(HAVE_CAPSTONE, "python3-capstone is not installed")
class Events(unittest.TestCase):
    def count(self, steps, entered=None):
        from vmeasure.events import EventCounter
        counter = EventCounter(Areas(LAYOUT, NoSymbols), [(TEXT, TEXT + 0x1000)], STUBS, 16, LAYOUT)
        return counter.count(Trace("t", steps, entered))

    def test_areas(self):
        areas = Areas(LAYOUT, NoSymbols)
        self.assertEqual(areas.of_stack_pointer(ENTRY_TOP), ("entry_stack", 18))
        self.assertEqual(areas.of_stack_pointer(ENTRY_TOP + 2 * 4096), ("entry_stack", 20))
        self.assertIsNone(areas.of_stack_pointer(ENTRY_TOP + 4096))
        self.assertEqual(areas.of_stack_pointer(KSTACK_TOP), ("kernel_stack", 0))
        self.assertIsNone(areas.of(0xffffa00000020000 + 15 * 4096))
        self.assertEqual(areas.of(LAYOUT["TRAMPOLINE_AREA_BASE"] + 3 * 4096)[0], "trampoline")

    def test_push_of_memory_elsewhere_is_a_copy(self):
        found = self.count([step("ff7708", rdi=ENTRY_TOP - 64)])            # push qword [rdi+8]
        self.assertEqual(found["bytes_copied"], 8)
        self.assertEqual(found["stack_bytes_stored.kernel_stack"], 8)
        self.assertEqual(found["bytes_copied.entry_stack_to_kernel_stack"], 8)

    def test_word_followed_through_registers(self):
        steps = [step("488b07", rdi=ENTRY_TOP - 64),                        # mov rax, [rdi]
                 step("4889c2", rdi=ENTRY_TOP - 64),                        # mov rdx, rax
                 step("52")]                                                # push rdx
        self.assertEqual(self.count(steps)["bytes_copied"], 8)
        changed = steps[:2] + [step("48ffc2"), steps[2]]                    # inc rdx
        self.assertEqual(self.count(changed)["bytes_copied"], 0)
        outside = steps[:2] + [step("52", rip=TEXT + 0x2000)]
        self.assertEqual(self.count(outside)["bytes_copied"], 0)

    def test_rep_counts_each_iteration(self):
        steps = [step("f348a5", rcx=n, rsi=ENTRY_TOP - 64, rdi=KSTACK_TOP - 64) for n in (2, 1, 0)]
        found = self.count(steps)                                           # rep movsq
        self.assertEqual((found["kernel_instructions"], found["bytes_copied"]), (3, 16))

    def test_cr3_word_in_rsp_is_no_stack(self):
        steps = [
            step("90", rsp=ENTRY_TOP, cr3=0x201000),
            step("0f22dc", rsp=0x200000, cr3=0x201000),
            step("90", rsp=0x200000),
            step("90")
        ]
        found = self.count(steps)
        self.assertEqual((found["cr3_writes"], found["stack_switches"], found["before_flip"]),
                         (1, 1, 1))

    def test_hardware_frame_by_rule(self):
        user = step("0f0b", cs=0x33, rsp=0x7fff0000, rip=0x400000)          # ud2
        found = self.count([user, step("90", rip=STUBS + 6 * 16, rsp=ENTRY_TOP - 40)])
        self.assertEqual(found["stack_bytes_stored.entry_stack"], 40)
        found = self.count([user, step("90", rip=STUBS + 14 * 16, rsp=ENTRY_TOP - 48)])
        self.assertEqual(found["stack_bytes_stored.entry_stack"], 48)
        self.assertEqual((found["stack_switches"], found["kernel_instructions"]), (1, 1))

    def test_ipi_is_the_icr(self):
        steps = [step("8907", rdi=LAYOUT["MMIO_AREA_BASE"] + at) for at in (0x310, 0x300, 0xb0)]
        self.assertEqual(self.count(steps)["ipis"], 1)                      # mov [rdi], eax


if __name__ == "__main__":
    unittest.main()
