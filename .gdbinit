# SPDX-License-Identifier: MIT
# .gdbinit - stop at the first instruction of the chosen design's syscall entry.
#
# `make debug ENTRY=design` starts gdb with this file (tools/debug.py).  The machine's serial line is written to
# build/log/<design>-<cpus>-<accelerator>-debug.log.  QEMU is started by `target remote` and ends with gdb.
set pagination off
set confirm off
set disassembly-flavor intel
set architecture i386:x86-64
# Of a QEMU on a busy machine gdb would ask once more after 2 s, and take the two answers for the next ones.
set remotetimeout 60
target remote | ${PYTHON:-/usr/bin/python3} tools/debug.py machine

# Hardware breakpoints: the image is not loaded yet, and no table is either.  sched_idle() is the
# first function that runs after the design was chosen and before any user instruction.
hbreak sched_idle
continue
delete

# boot_design->syscall_entry is what LSTAR holds.  At the entry itself the kernel's data may be out of
# reach: a split design arrives there on the user root.
printf "design %s: running to the first instruction of its syscall entry\n", boot_design->name
set $syscall_entry = boot_design->syscall_entry
hbreak *$syscall_entry
continue
delete
display/i $pc
if $pc == $syscall_entry
	printf "this is next: the first instruction of a syscall entry\n"
	printf "the user's rip is in rcx, its rsp in rsp, the call's number in rax\n"
end
