# SPDX-License-Identifier: MIT
"""The comparison's tables: docs/results.md has all rows, README.md those that make the point, and
docs/measuring.md how far the times are spread.

The short one is made of the long one's cells, so no number of any is typed by hand. All stand
between the marks <!-- compare:begin --> and <!-- compare:end -->.
"""
import re

from lib.paths import ROOT

RESULTS, README = ROOT / "docs" / "results.md", ROOT / "README.md"
MEASURING = ROOT / "docs" / "measuring.md"
BEGIN, END = "<!-- compare:begin -->\n", "<!-- compare:end -->\n"
MOST_ROWS = 15

# (row of the README, how its section of the whole table begins, the row there)
SHORT = (
    ("kernel instructions: null system call", "of these in the kernel", "syscall_null"),
    ("kernel instructions: interrupt of a program", "of these in the kernel", "irq_user"),
    ("kernel instructions: page fault", "of these in the kernel", "page_fault"),
    ("kernel instructions: switch to another process", "of these in the kernel",
     "context_switch_process"),
    ("kernel instructions: thread created and ended", "of these in the kernel",
     "thread_create_exit"),
    ("CR3 writes: null system call", "CR3 writes", "syscall_null"),
    ("CR3 writes: switch to another process", "CR3 writes", "context_switch_process"),
    ("frame bytes copied: null system call", "frame bytes copied", "syscall_null"),
    ("frame bytes copied: interrupt of a program", "frame bytes copied", "irq_user"),
    ("time in TCG, ratio: null system call", "time without icount", "syscall_null"),
    ("time in TCG, ratio: switch to another process", "time without icount",
     "context_switch_process"),
    ("IPIs: thread ended, siblings on 3 other CPUs", "thread create and exit, by CPUs",
     "4 CPUs: IPIs"),
    ("bytes of memory: a thread", "memory", "per_thread_bytes"),
    ("bytes of the kernel that a program's table maps", "exposure", "bytes"),
    ("who can read a sleeping thread's registers", "who can read a planted secret", "registers"),
)


class NoTable(ValueError):
    """A page lacks its marks, or a table a row."""


def between_marks(text):
    """What stands between the marks of a page."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise NoTable("not one %s before one %s" % (BEGIN.strip(), END.strip()))
    return text.split(BEGIN)[1].split(END)[0]


def replaced(text, table):
    """@text with @table between its marks."""
    between_marks(text)
    return text.split(BEGIN)[0] + BEGIN + table.rstrip("\n") + "\n" + END + text.split(END)[1]


def parse(table):
    """The designs' names, and {section's heading: {row's name: [cells]}}, of report.markdown()'s
    text."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in table.splitlines() if line.startswith("|")]
    sections, heading = {}, ""
    for name, *cells in rows[2:]:
        if found := re.fullmatch(r"\*\*(.*)\*\*", name):
            heading = found[1]
        else:
            sections.setdefault(heading, {})[name] = cells
    return rows[0][1:] if rows else [], sections


def short(table):
    """The README's table, of the whole one's cells."""
    names, sections = parse(table)
    lines = ["| | %s |" % " | ".join(names), "|---|%s" % ("---:|" * len(names))]
    for title, section, row in SHORT:
        rows = [r for heading, r in sections.items() if heading.startswith(section)]
        if len(rows) != 1 or row not in rows[0]:
            raise NoTable("the whole table has no row %s under one heading %s..." % (row, section))
        lines.append("| %s | %s |" % (title, " | ".join(rows[0][row])))
    return "\n".join(lines) + "\n"


def write(table, spread):
    """Put report.markdown()'s text into docs/results.md and what README.md shows of it there, and
    mixed.spread_table()'s into docs/measuring.md."""
    pages = {RESULTS: table, README: short(table), MEASURING: spread}
    texts = {page: replaced(page.read_text("utf-8"), new) for page, new in pages.items()}
    for page, text in texts.items():
        page.write_text(text, "utf-8")


def problems(results, readme, measuring, designs):
    """What is wrong with the pages' texts: one line each. @designs: the registry's names."""
    try:
        table = between_marks(results)
        names, _ = parse(table)
        if names != designs:
            yield "docs/results.md: the columns are %s, the registry has %s" % (" ".join(names),
                                                                                " ".join(designs))
        if between_marks(readme) != short(table):
            yield ("README.md: the table is not the one that docs/results.md gives: make "
                   "compare DOCS=yes")
        if parse(between_marks(measuring))[0] != designs[1:]:
            yield "docs/measuring.md: the table's columns are not all designs but the first"
    except NoTable as problem:
        yield str(problem)
