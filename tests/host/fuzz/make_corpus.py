#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make_corpus.py - writes tests/host/fuzz/corpus/: for each parser a few inputs at the edges of
what it takes.

    make_corpus.py [FOLDER]

The head of each harness says how its inputs are made up.  What a file's name calls wrong is
refused, everything else is taken.
"""
import argparse
import sys
from pathlib import Path
from struct import pack

HERE = Path(__file__).resolve().parent
KIB, PAGE = 1024, 4096
USER_MIN, USER_END = 0x1000, 0x7ffffffff000
MOST_BYTES = KIB        # of a file, and fewer than 11 files a parser


# --- boot archives ---------------------------------------------------------------------------

DATA, ZEROES = 1, 2


def header(name: bytes, size, flags=0, patches=()) -> bytes:
    raw = isinstance(size, bytes)
    text = size.ljust(12, b"\0") if raw else pack("<H", size)
    changes = b"".join(pack("<HB", at, value) for at, value in patches)
    return bytes([0, flags | (2 if raw else 0)]) + text + bytes([len(name)]) + name + bytes(
        [len(patches)]) + changes


def blocks(n: int) -> bytes:
    return bytes([DATA, n])


def tail(n: int) -> bytes:
    return b"\3" + pack("<H", n)


END = bytes([ZEROES])
ARCHIVE = {
    "no-file":
    END,
    "three-files-one-name-twice":
    header(b"init", 512) + blocks(1) + header(b"b", 513) + blocks(2) + header(b"init", 0) + END +
    END,
    "name-of-99-bytes-checksum-without-end":
    header(b"n" * 99, 1, flags=4) + blocks(1) + END,
    "size-12-digits-without-end":
    header(b"a", b"000000000700") + blocks(1) + END,
    "wrong-last-block-of-file-missing":
    header(b"a", 513) + blocks(1) + tail(511),
    "wrong-end-cut-by-one":
    header(b"a", 512) + blocks(1) + tail(511),
    "wrong-size-64-gib":
    header(b"a", b"777777777777") + blocks(2) + END,
    "wrong-size-without-digits":
    header(b"a", b" 12") + END,
    "wrong-name-of-100-bytes":
    header(b"n" * 100, 0) + END,
    "wrong-directory-and-prefix":
    header(b"a", 0, patches=[(345, 65)]) + header(b"d", 0, patches=[(156, 53)]) + END,
}


# --- programs --------------------------------------------------------------------------------

R, W, X = 4, 2, 1
LOAD, DYNAMIC, NOTE, STACK = 1, 2, 4, 0x6474e551


def segment(kind, flags, offset, vaddr, filesz, memsz) -> bytes:
    return pack("<IIQQQQQQ", kind, flags, offset, vaddr, 0, filesz, memsz, PAGE)


def program(length: int, *segments: bytes, entry=0x401010, end=0, count=None, phoff=64) -> bytes:
    head = pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, entry, phoff, 0, 0, 64, 56,
                len(segments) if count is None else count, 0, 0, 0)
    return bytes([end]) + pack("<H", length) + head + b"".join(segments)


TEXT = segment(LOAD, R | X, 0x1000, 0x401000, 0x900, 0x900)
CONST = segment(LOAD, R, 0x1a00, 0x402a00, 0x800, 0x800)
BSS = segment(LOAD, R | W, 0x2300, 0x405300, 0x10, 0x5000)
ELF = {
    "three-segments-stack-and-empty-one":
    program(0x3000, TEXT, CONST, BSS, segment(STACK, R | W, 0, 0, 0, 0),
            segment(LOAD, R, 0, USER_END, 0, 0)),
    "memory-ends-at-the-third-call":
    program(0x3000, TEXT, CONST, BSS, end=5),
    "last-byte-of-file-and-of-user-half":
    program(0x1001,
            segment(LOAD, R | X, 0x1000, USER_END - PAGE, 1, PAGE),
            segment(LOAD, R, 0, USER_MIN, PAGE, PAGE),
            entry=USER_END - 1),
    "wrong-one-byte-beyond-user-half":
    program(0x1001,
            segment(LOAD, R | X, 0x1000, USER_END - PAGE, 1, PAGE + 1),
            entry=USER_END - PAGE),
    "wrong-one-byte-below-user-half":
    program(0x1000, segment(LOAD, R | X, 0xfff, USER_MIN - 1, 1, 2), entry=USER_MIN),
    "wrong-offset-wraps":
    program(0x2000, TEXT, segment(LOAD, R, 2**64 - PAGE, 0x403000, PAGE, PAGE)),
    "wrong-memsz-wraps":
    program(0x2000, TEXT, segment(LOAD, R, 0, 0x403000, 0, 2**64 - 0x402000)),
    "wrong-page-shared-with-the-first":
    program(0x3000, TEXT, CONST, segment(LOAD, R, 0x1a00, 0x401a00, 0, 1)),
    "wrong-headers-end-one-byte-late":
    program(64 + 55, TEXT, entry=0x401010),
    "wrong-entry-behind-text":
    program(0x3000, TEXT, CONST, entry=0x401900),
}


# --- what loaders leave ----------------------------------------------------------------------

def ranges(*entries, size=24) -> bytes:
    return b"".join(
        pack("<QQII", base, length, kind, 0).ljust(size, b"\0") for base, length, kind in entries)


def tag(kind: int, body: bytes, size=None) -> bytes:
    length = 8 + len(body) if size is None else size
    return (pack("<II", kind, length) + body).ljust((8 + len(body) + 7) // 8 * 8, b"\0")


def memory(*entries, size=24) -> bytes:
    return tag(6, pack("<II", size, 0) + ranges(*entries, size=size))


def multiboot2(*tags: bytes, end=tag(0, b"")) -> bytes:
    return b"\1" + pack("<II", 0, 0) + b"".join(tags) + end


RAM = memory((0, 0x9fc00, 1), (0x9fc00, 0x400, 2), (2**64 - 0x2000, 0x1fff, 1))
RSDP_COPY = b"RSD PTR " + bytes(28)
MULTIBOOT2 = {
    "all-tags-two-modules-both-rsdps":
    multiboot2(tag(1, b"tests=user\0"), tag(3,
                                            pack("<II", 0x5000, 0x5123) + b"a\0"),
               tag(3, pack("<II", 1, 2)), RAM, tag(8, pack("<QIIIBB", 0xb8000, 160, 80, 25, 16, 2)),
               tag(14, RSDP_COPY[:20]), tag(15, RSDP_COPY)),
    "long-entries-and-longest-line":
    multiboot2(memory((0x100000, 0x700000, 1), (0, 0, 1), size=40), tag(1, b"x" * 511 + b"\0")),
    "line-one-byte-too-long":
    multiboot2(tag(1, b"y" * 512 + b"\0"), RAM),
    "rsdp-longer-than-36-unknown-tag":
    multiboot2(tag(15, bytes(44)), tag(77, b"?" * 3), RAM),
    "wrong-line-without-end":
    multiboot2(RAM, tag(1, b"seed=1")),
    "wrong-entries-of-no-size":
    multiboot2(tag(6,
                   pack("<II", 0, 0) + ranges((0, 1, 1)))),
    "wrong-entries-of-16-bytes":
    multiboot2(tag(6,
                   pack("<II", 16, 0) + bytes(range(48)))),
    "wrong-lone-last-bytes":
    multiboot2(RAM, end=pack("<II", 0, 8)[:7]),
    "wrong-tag-of-size-7":
    multiboot2(RAM, tag(9, b"", size=7)),
    "wrong-range-wraps":
    multiboot2(memory((2**64 - 0x1000, 0x1001, 2))),
}


def pvh(memory_bytes: bytes,
        line=0,
        modules=0,
        module_list=0,
        entries=1,
        memmap=0x1000,
        version=1) -> bytes:
    return pack("<IIIIQQQQII", 0x336ec578, version, 0, modules, module_list, line, 0xf5a00, memmap,
                entries, 0) + memory_bytes


ONE = ranges((0x100000, 0x700000, 1))
PVH = {
    "line-module-and-map":
    pvh(ONE + pack("<QQQQ", 0x5000, 0x123, 0, 0) + b"tests=user\0", 0x1038, 1, 0x1018),
    "longest-line-as-last-bytes":
    pvh(ONE + b"x" * 511 + b"\0", 0x1018),
    "line-one-byte-too-long":
    pvh(ONE + b"x" * 512, 0x1018),
    "module-ends-at-the-last-byte":
    pvh(ONE + pack("<QQQQ", 2**64 - 2, 1, 0, 0), 0, 1, 0x1018),
    "wrong-line-runs-out-of-memory":
    pvh(ONE + b"x" * 3, 0x1018),
    "wrong-map-one-entry-too-many":
    pvh(ONE + ONE[:23], entries=2),
    "wrong-map-wraps":
    pvh(ONE, memmap=2**64 - 24, entries=2),
    "wrong-module-wraps":
    pvh(ONE + pack("<QQQQ", 2**64 - 1, 2, 0, 0), 0, 1, 0x1018),
    "wrong-no-range":
    pvh(ONE, entries=0),
    "wrong-version-0":
    pvh(ONE, version=0),
}


def many(*records, limit=(0xffff, 48)) -> bytes:
    """Records: times, usable?, shift of the base, base, length."""
    return pack("<HB", *limit) + b"".join(pack("<BBHH", times, usable | shift << 1, base, length)
                                          for times, usable, shift, base, length in records)


BOOTMEM = {
    "as-many-as-are-kept":
    many((128, 1, 12, 1, 4096)),
    "one-more":
    many((128, 1, 12, 1, 4096), (1, 1, 20, 1, 8192)),
    "one-shorter-than-all":
    many((128, 1, 12, 1, 4096), (1, 1, 20, 1, 4)),
    "reserved-ones-push-ram-out":
    many((100, 1, 12, 1, 64), (100, 0, 20, 1, 4096)),
    "reserved-ones-alone-do-not-fit":
    many((129, 0, 12, 1, 4096), (3, 1, 20, 1, 1)),
    "ranges-that-wrap-and-empty-ones":
    many((2, 1, 12, 1, 0xffff), (3, 1, 12, 9, 0), (1, 0, 48, 0xffff, 0xffff), (1, 1, 0, 1, 0xffff)),
    "limit-within-and-below":
    many((8, 1, 12, 1, 4096), (2, 0, 12, 1, 4096), limit=(5, 12)),
}


# --- ACPI -------------------------------------------------------------------------------------

def lapic(apic_id: int, flags=1) -> bytes:
    return pack("<BBBBI", 0, 8, apic_id, apic_id, flags)


def x2apic(apic_id: int, flags=1) -> bytes:
    return pack("<BBHIII", 9, 16, 0, apic_id, flags, 0)


def ioapic(number: int) -> bytes:
    return pack("<BBBBII", 1, 12, number, 0, 0xfec00000 + number * PAGE, number * 24)


def override(source: int, gsi: int, flags: int) -> bytes:
    return pack("<BBBBIH", 2, 10, 0, source, gsi, flags)


def lapic_address(pa: int) -> bytes:
    return pack("<BBHQ", 5, 12, 0, pa)


def madt(*entries: bytes, address=0xfee00000) -> bytes:
    return pack("<II", address, 1) + b"".join(entries)


MADT = {
    "every-kind-one-cpu-twice":
    madt(lapic(0), lapic(1, 0), x2apic(0), x2apic(0x123), ioapic(0), override(0, 2, 0),
         override(9, 9, 15), lapic_address(0xfee01000), pack("<BBI", 4, 6, 0), b"\x7f\2\xff\2"),
    "cpus-more-than-there-is-room":
    madt(*(lapic(i) for i in range(66))),
    "ioapics-more-than-there-is-room":
    madt(lapic(0), *(ioapic(i) for i in range(34))),
    "every-isa-interrupt-and-others":
    madt(override(16, 1, 0), *(override(i, 31 - i, i) for i in range(16)), override(3, 7, 0),
         pack("<BBBBIH", 2, 10, 1, 4, 5, 0), lapic(3)),
    "ids-that-are-everybodys":
    madt(lapic(255), x2apic(0xffffffff), x2apic(255), lapic(254), address=0),
    "addresses-nowhere":
    madt(lapic(0), lapic_address(0), lapic_address(2**40 - PAGE + 1), lapic_address(2**40 - PAGE),
         lapic_address(2**40)),
    "wrong-entry-of-no-length":
    madt(lapic(0), pack("<BB", 0x7f, 0)),
    "wrong-lone-last-byte":
    madt(lapic(0), b"\x7f"),
    "wrong-last-entry-cut-by-one":
    madt(lapic(0),
         x2apic(1)[:-1]),
    "wrong-entry-short-for-its-kind":
    madt(lapic(0), b"\x09\x0f" + x2apic(1)[2:-1]),
}


BY_ADDRESS, COPIED, IN_BIOS, IN_EBDA = range(4)
RIGHT, SHORT, RIGHT_TABLE = 4, 8, 3


def place(slot: int) -> int:
    return 0x2000 + slot * 0x40


def rsdp(rsdt=0, xsdt=0, revision=2) -> bytes:
    return b"RSD PTR \0VESTIB" + pack("<BIIQI", revision, rsdt, 36, xsdt, 0)


def table(slot: int, signature: bytes, body: bytes, flags=RIGHT_TABLE, length=0) -> bytes:
    bytes_ = signature + pack("<I", length) + bytes(28) + body
    return pack("<BBH", slot, flags, len(bytes_)) + bytes_


def fadt(slot: int, port: int, wide=None) -> bytes:
    body = bytearray(184 if wide else 80)
    body[40:44], body[55] = pack("<I", port), 4
    if wide:
        body[172], body[176:184] = 1, pack("<Q", wide)
    return table(slot, b"FACP", bytes(body))


APIC = table(0x20, b"APIC", madt(lapic(0), lapic(1), ioapic(0)))
XSDT = table(0, b"XSDT", pack("<QQ", place(0x20), place(0x30)))


def tables(flags: int, pointer: bytes, *rest: bytes) -> bytes:
    return bytes([flags | RIGHT]) + pointer + b"".join(rest)


ACPI = {
    "xsdt-by-address-wide-timer":
    tables(BY_ADDRESS, rsdp(0, place(0)), XSDT, APIC, fadt(0x30, 0x608, 0xb008)),
    "rsdt-by-short-copy-narrow-timer":
    tables(COPIED | SHORT, rsdp(place(0), 0, 0),
           table(0, b"RSDT", pack("<II", place(0x20), place(0x30))), APIC, fadt(0x30, 0x608)),
    "rsdp-in-bios-area-table-above-ram":
    tables(IN_BIOS, rsdp(0, place(0)),
           table(0, b"XSDT", pack("<QQ", 2**40 - 1, 0xf0000000 + 0x20 * 0x40)), APIC),
    "rsdp-last-in-ebda-36-address-bits":
    tables(IN_EBDA | 0x10, rsdp(0, place(0)),
           table(0, b"XSDT", pack("<QQQ", 2**36 - 35, 0, place(0x20))), APIC),
    "damaged-madt-before-a-good-one":
    tables(BY_ADDRESS, rsdp(0, place(0)), table(0, b"XSDT", pack("<QQ", place(0x10), place(0x20))),
           table(0x10, b"APIC", madt(lapic(9)), flags=1), APIC),
    "list-with-lone-last-bytes":
    tables(BY_ADDRESS, rsdp(0, place(0)), table(0, b"XSDT",
                                                pack("<Q", place(0x20))[:7]), APIC),
    "madt-of-43-bytes-before-a-good-one":
    tables(BY_ADDRESS, rsdp(0, place(0)), table(0, b"XSDT", pack("<QQ", place(0x10), place(0x20))),
           table(0x10, b"APIC",
                 madt()[:7]), APIC),
    "table-longer-than-a-mebibyte":
    tables(BY_ADDRESS, rsdp(0, place(0)), XSDT,
           table(0x20, b"APIC", madt(lapic(0)), flags=2, length=0x100001)),
    "table-of-35-bytes":
    tables(BY_ADDRESS, rsdp(0, place(0)), XSDT,
           table(0x20, b"APIC", madt(lapic(0)), flags=2, length=35)),
    "list-is-itself-in-the-list":
    tables(BY_ADDRESS, rsdp(0, place(0)),
           table(0, b"XSDT", pack("<QQQ", place(0), 0x1000, place(0x20))), APIC),
}


# --- command lines ---------------------------------------------------------------------------

CMDLINE = {
    "every-key": b"\x10  entry=third-one\ttests=test_x seed=42 cpus=64 pcid=off inject=panic ",
    "bench-largest-seed": b"\x10bench=a-z_09 seed=0xFfffFFFFffffffff pcid=on inject=ap-silent",
    "name-of-31-bytes-seed-decimal": b"\x10tests=" + b"n" * 31 + b" seed=18446744073709551615",
    "wrong-name-of-32-bytes": b"\x30tests=" + b"n" * 32,
    "wrong-seed-one-too-large": b"\x01seed=18446744073709551616",
    "wrong-seed-without-digits": b"\x80cpus=1 seed=0x",
    "wrong-cpus-65": b"\x40pcid=on cpus=65 cpus=1",
    "wrong-value-of-64-bytes": b"\xffinject=" + b"v" * 64,
    "wrong-key-twice-value-missing": b"\x20pcid=on entry=first pcid=on bench=",
    "wrong-both-kinds-of-run": b"\x05tests=a bench=b",
}

CORPORA = {"archive": ARCHIVE, "elf": ELF, "multiboot2": MULTIBOOT2, "pvh": PVH, "bootmem": BOOTMEM,
           "madt": MADT, "acpi": ACPI, "cmdline": CMDLINE}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("folder", nargs="?", type=Path, default=HERE / "corpus")
    folder = p.parse_args().folder
    for parser, inputs in CORPORA.items():
        (folder / parser).mkdir(parents=True, exist_ok=True)
        for name, content in inputs.items():
            if len(content) >= MOST_BYTES:
                sys.exit(
                    f"{parser}/{name}: {len(content)} bytes, fewer than {MOST_BYTES} are wanted")
            (folder / parser / name).write_bytes(content)


if __name__ == "__main__":
    main()
