# SPDX-License-Identifier: MIT
"""code.*: how much source and text a design is, from its files, its objects and the image.

asm_lines, c_lines     lines of entry/<design>.asm and .c that are neither blank nor comment only.
text_bytes             sizes of the design's .entry.text section in its two objects: what the linker
                       takes, before it pads to a page. Checked against the image's bounds symbols.
                       What the design shares with its kind is not in it.
c_bytes_mapped         sizes of the C functions that a user root maps: those in the design's and in
                       its kind's entry text. Without a flip the one table maps all kernel text.
before_flip_syscall,   instructions at CPL 0 before the first MOV to CR3, from the trace; absent
before_flip_irq        where there is no flip.
"""
import re

from lib.constants import constants
from lib.designs import shared_text
from lib.elf import STT_FUNC, opened


def asm_lines(text):
    """Lines of NASM source with code on them. A semicolon inside quotes starts no comment."""
    code = re.compile(r"""^(?:"[^"]*"|'[^']*'|[^;"'])*""")
    return sum(1 for line in text.splitlines() if code.match(line).group().strip())


def c_lines(text):
    """Lines of C source with code on them."""
    token = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.S)

    def blank(m):
        return m.group() if m.group().startswith('"') else "\n" * m.group().count("\n") or " "
    return sum(1 for line in token.sub(blank, text).splitlines() if line.strip())


def section_size(path, name):
    """Bytes of section @name in the object @path; 0 without one."""
    section = opened(path).section(name)
    return section.size if section else 0


def flip_names(kernel):
    """Names of the image's flip sites, "<design>.<path>.<direction>"."""
    at, end = kernel.address("flip_sites_start"), kernel.address("flip_sites_end")
    size, name = constants()["FLIP_SITE_SIZE"], constants()["FLIP_SITE_NAME"]
    names = []
    for site in range(at, end, size):
        raw = kernel.read(site + name, size - name)
        names.append(raw.split(b"\0")[0].decode())
    return names


def entry_ranges(kernel, design):
    """[(start, end)] of the design's own entry text, and of what it shares with its kind."""
    return [(kernel.address("entry_%s_text_start" % n), kernel.address("entry_%s_text_end" % n))
            for n in (design.ident, shared_text(design))]


def splits_table(kernel, design):
    """Does the design have a user table of its own?"""
    return any(n.startswith(design.name + ".") for n in flip_names(kernel))


def c_bytes_mapped(kernel, design):
    """See c_bytes_mapped above."""
    ranges = entry_ranges(kernel, design)
    if not splits_table(kernel, design):
        ranges = [(kernel.address("kernel_text_start"), kernel.address("kernel_text_end"))]
    places = {(s.address, s.size) for s in kernel.symbols if s.type == STT_FUNC and s.size
              and any(a <= s.address < b for a, b in ranges)}
    return sum(size for _, size in places)


def code_figures(design, kernel, root, build):
    """{metric: number} for one design. @root: the source tree, @build: the build directory."""
    sizes = 0
    for suffix in ("asm", "c"):
        sizes += section_size("%s/kernel/entry/%s.%s.o" % (build, design.name, suffix),
                              ".entry.text.%s" % design.name)
    start, end = entry_ranges(kernel, design)[0]
    # The linker pads each of the two objects' pieces by less than a page.
    if not 0 <= end - start - sizes < 2 * 4096:
        raise ValueError("%s: its objects hold %d bytes of entry text, the image %d: stale objects?"
                         % (design.name, sizes, end - start))
    with open("%s/entry/%s.asm" % (root, design.name), encoding="utf-8") as f:
        asm = asm_lines(f.read())
    with open("%s/entry/%s.c" % (root, design.name), encoding="utf-8") as f:
        c = c_lines(f.read())
    return {"asm_lines": asm, "c_lines": c, "text_bytes": sizes,
            "c_bytes_mapped": c_bytes_mapped(kernel, design)}
