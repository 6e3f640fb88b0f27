# SPDX-License-Identifier: MIT
"""auditregions.py - the audit of a process whose design does not split: its one root shows the
whole kernel half.

Which frame the heap or a stack got is nobody's to foresee, so those areas are judged by rule; the
image, the direct map and the CPU entry area still page by page.  In a mixed boot the trampolines of
all threads are there, too.
"""
PAGE = 4096
DEVICES_END = 1 << 32


class Regions:
    """@runs: of the kernel half of one root; @expected: the audit's list (audit.Expected)."""

    def __init__(self, runs, expected):
        self.at, self.elf, self.dump = expected.layout, expected.elf, expected.dump
        self.expected = expected
        self.bases = sorted(
            (base, name) for name, base in self.at.items()
            if name.endswith("_AREA_BASE") or name in ("DIRECT_MAP_BASE", "KERNEL_IMAGE_BASE"))
        self.areas = {name: [] for _, name in self.bases}
        for run in runs:
            self.areas[self.area_of(run.va)].append(run)

    def area_of(self, va):
        return max((base, name) for base, name in self.bases if base <= va)[1]

    def pages(self, area):
        """(virtual address, frame, rights) of each page of @area."""
        for run in self.areas[area]:
            for offset in range(0, run.pages * PAGE, PAGE):
                yield run.va + offset, run.pa + offset, run.rights

    def image_frame(self, symbol):
        return self.elf.address(symbol) - self.at["KERNEL_IMAGE_BASE"]

    # --- by rule ---------------------------------------------------------------

    def everywhere(self):
        for area, runs in self.areas.items():
            for run in runs:
                if {"W", "X"} <= run.rights:
                    yield f"a page at 0x{run.va:x} is writable and executable"
                if "U" in run.rights:
                    yield f"a page at 0x{run.va:x} is open to user mode"
                if area == "TRAMPOLINE_AREA_BASE" and not self.expected.mixed:
                    yield (f"a page at 0x{run.va:x} shows frame 0x{run.pa:x}, and no page "
                           f"belongs there")

    def direct_map(self):
        """All of RAM at its place, never executable; the image's read-only frames not writable."""
        images = [(self.image_frame(first), self.image_frame(last))
                  for first, last in (("kernel_text_start", "kernel_rodata_end"),
                                      ("probe_text_start", "probe_rodata_end"))]
        covered = 0                     # bytes, from physical address 0 without a gap
        for run in self.areas["DIRECT_MAP_BASE"]:
            frames = range(run.pa, run.pa + run.pages * PAGE, PAGE)
            if run.va - self.at["DIRECT_MAP_BASE"] != run.pa:
                yield f"the direct map at 0x{run.va:x} shows frame 0x{run.pa:x}"
            read_only = any(first <= run.pa < last and frames[-1] < last for first, last in images)
            if not read_only and any(run.pa < last and frames[-1] >= first
                                     for first, last in images):
                yield (f"the direct map at 0x{run.va:x} has equal rights inside and outside of "
                       f"the read-only image")
            elif run.rights != self.expected.rights("" if read_only else "W"):
                yield f"the direct map at 0x{run.va:x} has rights {''.join(sorted(run.rights))}"
            # Between low RAM and 4 GiB are devices.
            if run.pa == covered or (run.pa == DEVICES_END and covered < run.pa):
                covered = run.pa + len(frames) * PAGE
        if covered < self.dump.ram_end:
            yield (f"the direct map ends or has a gap at 0x{covered:x}, below the end of RAM at "
                   f"0x{self.dump.ram_end:x}")

    def frame_is_usable(self, frame):
        return self.elf.address("kernel_end_pa") <= frame < self.dump.ram_end

    def frame_is_no_ram(self, frame):
        return not self.at["KERNEL_LOAD_PA"] <= frame < self.dump.ram_end

    def writable_data(self, pages, what, frame_ok):
        for va, frame, rights in pages:
            if rights != self.expected.rights("W"):
                yield f"{what} at 0x{va:x} has rights {''.join(sorted(rights))}"
            if not frame_ok(frame):
                yield f"{what} at 0x{va:x} shows frame 0x{frame:x}, which is not for that"

    def kernel_stacks(self):
        slot, stack = self.at["KSTACK_SLOT_PAGES"], self.at["KSTACK_PAGES"]
        base, seen = self.at["KSTACK_AREA_BASE"], set()
        for va, _, _ in self.pages("KSTACK_AREA_BASE"):
            seen.add(va)
            if not 1 <= (va - base) // PAGE % slot <= stack:
                yield f"the guard page at 0x{va:x} is mapped"
        tops = self.dump.body_stacks + [
            t.stack_top for t in self.dump.threads()
        ]
        for top in tops:
            for va in range(top - stack * PAGE, top, PAGE):
                if va not in seen:
                    yield f"the kernel stack's page at 0x{va:x} is missing"

    def trampolines(self):
        """Of whatever process: each thread's is there. The pool may have more."""
        slot, base = self.at["TRAMPOLINE_SLOT_PAGES"], self.at["TRAMPOLINE_AREA_BASE"]
        pages = list(self.pages("TRAMPOLINE_AREA_BASE")) if self.expected.mixed else []
        guards = [page for page in pages if (page[0] - base) // PAGE % slot == 0]
        shown = {va: frame for va, frame, _ in pages}
        for va, _, _ in guards:
            yield f"the guard page at 0x{va:x} is mapped, and no page belongs there"
        yield from self.writable_data([page for page in pages if page not in guards],
                                      "a trampoline", self.frame_is_usable)
        for t in self.dump.threads():
            if t.trampoline and shown.get(t.trampoline) != t.frame:
                yield f"thread {t.tid}'s trampoline at 0x{t.trampoline:x} is missing or moved"

    def shared_frames(self):
        """A frame that two places claim: outside the direct map each has one. Devices may be mapped
        twice."""
        claimed = {frame: "the CPU entry area" for _, frame, _ in self.pages("CPU_ENTRY_AREA_BASE")}
        for area in ("KSTACK_AREA_BASE", "HEAP_AREA_BASE", "TRAMPOLINE_AREA_BASE"):
            for va, frame, _ in self.pages(area):
                if frame in claimed:
                    yield f"a page at 0x{va:x} shows frame 0x{frame:x}, which is {claimed[frame]}'s"
                claimed[frame] = f"0x{va:x}"


def check_regions(runs, expected, compare_exactly):
    """What is wrong with the kernel half @runs of a root that user and kernel share, as
    sentences."""
    r = Regions(runs, expected)
    problems = compare_exactly(r.areas["KERNEL_IMAGE_BASE"] + r.areas["CPU_ENTRY_AREA_BASE"],
                               expected.foreseen())
    named = {p.split(" at ")[-1].split()[0] for p in problems}      # once is enough
    problems += [p for p in r.everywhere() if p.split(" at ")[-1].split()[0] not in named]
    for found in (r.direct_map(), r.kernel_stacks(), r.trampolines(), r.shared_frames()):
        problems += found
    for area, what, frame_ok in (("KSTACK_AREA_BASE", "a kernel stack", r.frame_is_usable),
                                 ("HEAP_AREA_BASE", "the heap", r.frame_is_usable),
                                 ("MMIO_AREA_BASE", "a device", r.frame_is_no_ram)):
        problems += r.writable_data(r.pages(area), what, frame_ok)
    return problems
