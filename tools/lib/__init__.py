# SPDX-License-Identifier: MIT
"""What the commands in tools/ and the tests share.

    paths, settings         where the build is; what people set in the environment
    sources, treecopy       the project's files, and copies of the tree
    designs, syscalls       what entry/registry.h and kernel/syscalls.def define
    constants, elf, areas   the build: numbers of the headers, the kernel's file, whose stack an
                            address is
    offers, boots, outcome  QEMU: what it can do, one boot, how that ended; longrun watches a long
                            one
    bochs                   the same in Bochs
    gdb, gdbboot            QEMU's gdb stub, and a boot under it; postmortem asks a guest that hangs
    audit, auditregions     what a user root must show
    branches, parserfuzz    which ways a boot took; libFuzzer on what the kernel parses

A command that is started as tools/NAME.py finds this package beside itself.
"""
