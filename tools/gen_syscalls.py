#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gen_syscalls.py - make everything that knows the system calls from kernel/syscalls.def.

    gen_syscalls.py --out DIR     DIR/syscall_table.inc, DIR/syscalls.h, DIR/syscall_stubs.asm
    gen_syscalls.py --doc FILE    the documentation (docs/syscalls.md)
    gen_syscalls.py --check FILE  exit 1 when FILE is not what --doc would write
"""
import argparse
import pathlib
import re
import sys

from lib import syscalls
from lib.paths import ROOT

DEFINE = re.compile(r"#define\s+(E[A-Z]+)\s+(\d+)\s*/\*\s*(.*?)\s*\*/")
REGISTERS = ["rdi", "rsi", "rdx", "r10"]    # r10, not rcx: SYSCALL puts the return address there
MADE = "made by tools/gen_syscalls.py from kernel/syscalls.def; do not edit"


def fail(message):
    sys.exit(f"gen_syscalls.py: {message}")


def check(calls, errors):
    """Dense ascending numbers, unique names, at most four arguments, known errors."""
    for index, call in enumerate(calls):
        if call.number != index:
            fail(f"{call.place}: number {call.number} of {call.name}, expected {index}: "
                 "numbers are dense and ascending")
        if call.name in [c.name for c in calls[:index]]:
            fail(f"{call.place}: {call.name} is defined twice")
        if len(call.args) > len(REGISTERS):
            fail(
                f"{call.place}: {call.name} has {len(call.args)} arguments, at most "
                f"{len(REGISTERS)}"
            )
        for error in call.errors:
            if error not in errors:
                fail(
                    f"{call.place}: {call.name} returns {error}, which kernel/abi.h does not define"
                )


def c_args(call, kind):
    return ", ".join(f"{kind} {a}" for a in call.args) or "void"


def table(calls):
    """C for entry/dispatch.c: prototypes; the table, with a wrapper for each call that has
    arguments, and after the last call what answers where there is none."""
    out = [f"/* {MADE} */"]
    out += [f"int64_t sys_{c.name}({c_args(c, 'uint64_t')});" for c in calls]
    out.append("#ifndef SYSCALL_PROTOTYPES_ONLY")
    for c in calls:
        regs = ", ".join(f"f->{r}" for r in REGISTERS[:len(c.args)])
        if c.args:
            out.append(
                f"static int64_t call_{c.name}(const struct trapframe *f) "
                f"{{ return sys_{c.name}({regs}); }}"
            )
        else:       # the call itself by another name: it looks at no register
            out.append(f'int64_t call_{c.name}(const struct trapframe *f) __asm__("sys_{c.name}");')
    out += [
        "static int64_t call_none(const struct trapframe *f) { (void)f; return -ENOSYS; }", "",
        f"#define SYSCALL_COUNT {len(calls)}",
        "static int64_t (*const syscall_table[SYSCALL_COUNT + 1])(const struct trapframe *) = {"
    ]
    out += [f"\t[{c.number}] = call_{c.name}," for c in calls]
    return out + ["\t[SYSCALL_COUNT] = call_none,", "};", "#endif"]


def never_returns(call):
    """The attribute of a call whose text says that it does not return."""
    return " __attribute__((noreturn))" if "does not return" in call.text.lower() else ""


def header(calls):
    """User prototypes and numbers."""
    out = [f"/* {MADE} */", "#ifndef SYSCALLS_H", "#define SYSCALLS_H", ""]
    out += [f"#define SYS_{c.name} {c.number}" for c in calls]
    out.append(f"#define SYSCALL_COUNT {len(calls)}")
    out += ["", "/* X(name) for each call: a table made with it lacks none. */",
            "#define SYSCALL_LIST(X) " + " ".join(f"X({c.name})" for c in calls)]
    for c in calls:
        out += ["", f"/* {c.text}",
                f" * Errors: {', '.join('-' + e for e in c.errors) or 'none'}. */",
                f"long sys_{c.name}({c_args(c, 'unsigned long')}){never_returns(c)};"]
    return out + ["", "#endif"]


def stubs(calls):
    """NASM stubs: the C calling convention in, the kernel's out."""
    out = [
        f"; {MADE}", ";",
        "; A C call passes its arguments in rdi, rsi, rdx, rcx. SYSCALL overwrites rcx with the",
        "; return address and r11 with the flags, both of which a C function may lose anyway; so",
        "; only a fourth argument has to move, to r10.", "", "section .text"
    ]
    for c in calls:
        out += [
            "", f"; {c.name}({', '.join(c.args)})", f"global sys_{c.name}:function",
            f"sys_{c.name}:"
        ]
        if len(c.args) == 4:
            out.append(f"\tmov\tr10, rcx\t\t; {c.args[3]}")
        out += [f"\tmov\teax, {c.number}", "\tsyscall", "\tret"]
    return out + ["", "section .note.GNU-stack noalloc noexec nowrite progbits"]


def document(calls, errors):
    out = [
        "# System calls", "",
        "Made by `tools/gen_syscalls.py` from `kernel/syscalls.def`; `make lint` checks that it "
        "is current.",
        "", "The number travels in `rax`, arguments in " + ", ".join(f"`{r}`" for r in REGISTERS) +
        ", the result in `rax`.",
        "`rcx` and `r11` are lost; every other register and all flags are kept.",
        "A negative result is an error. A number without a call returns `-ENOSYS`.", "",
        "| number | call | errors | what it does |", "|---|---|---|---|"
    ]
    for c in calls:
        out.append(f"| {c.number} | `{c.name}({', '.join(c.args)})` "
                   f"| {', '.join(c.errors) or '-'} | {c.text.replace('|', chr(92) + '|')} |")
    out += ["", "| error | value | meaning |", "|---|---|---|"]
    out += [f"| {name} | {value} | {text} |" for name, (value, text) in errors.items()]
    return out


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", metavar="DIR", type=pathlib.Path)
    options.add_argument("--doc", metavar="FILE", type=pathlib.Path)
    options.add_argument("--check", metavar="FILE", type=pathlib.Path)
    options.add_argument("--def", dest="definition", metavar="FILE", type=pathlib.Path,
                         default=syscalls.DEFINITION)
    chosen = options.parse_args()
    if not (chosen.out or chosen.doc or chosen.check):
        options.error("nothing to do: give --out, --doc or --check")
    abi = (ROOT / "kernel/abi.h").read_text()
    errors = {m[1]: (int(m[2]), m[3]) for m in DEFINE.finditer(abi)}
    try:
        calls = syscalls.calls(chosen.definition)
    except syscalls.BadDefinition as wrong:
        fail(wrong)
    check(calls, errors)

    text = "\n".join(document(calls, errors)) + "\n"
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        for name, lines in (("syscall_table.inc", table(calls)), ("syscalls.h", header(calls)),
                            ("syscall_stubs.asm", stubs(calls))):
            part = chosen.out / (name + ".part")     # whole files only, whenever this is killed
            part.write_text("\n".join(lines) + "\n")
            part.replace(chosen.out / name)
    if chosen.doc:
        chosen.doc.write_text(text)
    if chosen.check and (not chosen.check.exists() or chosen.check.read_text() != text):
        fail(f"{chosen.check} is out of date: run tools/gen_syscalls.py --doc {chosen.check}")


if __name__ == "__main__":
    main()
