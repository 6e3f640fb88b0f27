# SPDX-License-Identifier: MIT
"""rebuilding.py - make notices what has changed, in copies of the tree: sources that come and go,
headers, flags, and what it had made itself."""
import os
import re
from pathlib import Path

from building import built_copy, made_files, make, run
from check import Check, Failed

GOALS = ("all", "iso", "build/bare.iso")         # all that make makes


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise Failed(f"{path.name} holds '{old}' {text.count(old)} times, not once")
    path.write_text(text.replace(old, new))


def constant_of_c() -> None:
    """A constant changes in whatever header: assembly has the new one, and so have the tools."""
    with built_copy() as tree:
        edit(tree / "entry" / "design.h", "ENTRY_STUB_SIZE 16", "ENTRY_STUB_SIZE 32")
        make(tree, "build/gen/asm-offsets.inc")
        if "ENTRY_STUB_SIZE 32" not in (tree / "build" / "gen" / "asm-offsets.inc").read_text():
            raise Failed("asm-offsets.inc keeps the old ENTRY_STUB_SIZE")
        make(tree, "build/gen/constants.json")
        if '"ENTRY_STUB_SIZE": 32,' not in (tree / "build" / "gen" / "constants.json").read_text():
            raise Failed("constants.json keeps the old ENTRY_STUB_SIZE")
        before = (tree / "build/kernel/boot/start.asm.o").stat().st_mtime_ns
        make(tree, "build/kernel/boot/start.asm.o")
        if (tree / "build/kernel/boot/start.asm.o").stat().st_mtime_ns == before:
            raise Failed("start.asm, which includes it, is not assembled again")


def is_asked_for(tree: Path, path: Path) -> bool:
    """Would make do something, were @path alone not there?"""
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    done = run(tree, "make", "-s", "-n", "TOOLS_READY=yes", *GOALS)
    aside.rename(path)
    return bool(done.stdout.strip())


def deleted() -> str:
    """A file that make has made is made again, the same, when it is deleted."""
    with built_copy() as tree:
        build = tree / "build"
        good = made_files(build)
        # Of objects and programs, which have one rule for each kind, some.
        victims = [n for n in good if n.startswith("gen/") or "/" not in n
                   or re.search(r"/(frames|ksyms|init|bench|direct|syscall_stubs)\b", n)]
        if unasked := [n for n in victims if not is_asked_for(tree, build / n)]:
            raise Failed("deleted alone, and make has nothing to do: " + " ".join(unasked))
        for name in victims:
            (build / name).unlink()
        make(tree, *GOALS)
        now = made_files(build)
        # Debug information, which no image holds, names the folder.
        exact = [n for n in victims if not n.endswith((".o", ".elf")) and "/bin/" not in n]
        if wrong := [n for n in victims if n not in now or (n in exact and now[n] != good[n])]:
            raise Failed("not made again as they were: " + " ".join(wrong))
    return f"{len(victims)} files"


EXTRA_PROGRAM = "int main(void)\n{\n\treturn 0;\n}\n"
COMES = {True: "comes", False: "goes"}
EXTRA_KERNEL = "void extra_in_kernel(void);\nvoid extra_in_kernel(void)\n{\n}\n"


def programs(tree: Path) -> set[str]:
    """What the archive holds, of test programs those only that tests=user runs."""
    listed = run(tree, "tar", "-tf", "build/archive.tar").stdout.split()
    quoted = (tree / "build" / "gen" / "test_programs.inc").read_text()
    return {name for name in listed if not name.startswith("test_") or f'"{name}"' in quoted}


def sources_come_and_go() -> None:
    """Files appear and vanish, and their folders' times say nothing of it."""
    with built_copy() as tree:
        program, kernel = tree / "tests/user/test_extra.c", tree / "tests/kernel/extra.c"
        before = [(d, d.stat()) for d in (program.parent, kernel.parent)]
        for there in (True, False):
            for path, text in ((program, EXTRA_PROGRAM), (kernel, EXTRA_KERNEL)):
                path.write_text(text) if there else path.unlink()
            for directory, s in before:
                os.utime(directory, ns=(s.st_atime_ns, s.st_mtime_ns))
            make(tree, "build/archive.tar", "build/vestibule.elf")
            if ("test_extra" in programs(tree)) != there:
                raise Failed(f"a test program {COMES[there]}, and the boot archive is as before")
            if (b"extra_in_kernel" in (tree / "build/vestibule.elf").read_bytes()) != there:
                raise Failed(f"a kernel source {COMES[there]}, and the kernel is as before")


def flags_change() -> None:
    """Other flags, other objects; the same flags, the same ones."""
    target = "build/kernel/mm/frames.c.o"
    with built_copy() as tree:
        times = [(tree / target).stat().st_mtime_ns]
        for flags in ([], ["WERROR=-Werror"]):
            make(tree, target, *flags)
            times.append((tree / target).stat().st_mtime_ns)
    if times[0] != times[1]:
        raise Failed("frames.c is compiled again although nothing has changed")
    if times[1] == times[2]:
        raise Failed("frames.c is not compiled again with other flags")


def checks() -> list[Check]:
    kinds = {"constant": constant_of_c, "deleted": deleted, "sources": sources_come_and_go,
             "flags": flags_change}
    return [Check(f"rebuilding.{name}", function) for name, function in kinds.items()]
