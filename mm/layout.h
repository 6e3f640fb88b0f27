/* SPDX-License-Identifier: MIT */
/*
 * layout.h - the one map of the virtual address space.
 *
 * Plain numbers only: C, the generated NASM offsets and the host's tools all
 * use them, the tools every one (tools/gen_constants.py).
 *
 *   0000_0000_0000_0000  +-------------------------------------------+
 *                        | page 0 is never mapped                    |
 *   0000_0000_0040_0000  | program text, data, anonymous maps        |
 *                        | thread stacks                             |
 *   0000_7fff_ffff_f000  | last page is never mapped: a SYSCALL that |
 *                        | ended there would return to 2^47, which   |
 *                        | is not canonical                          |
 *   0000_8000_0000_0000  +- - - - - - non-canonical  - - - - - - - - +
 *   ffff_8000_0000_0000  | DIRECT_MAP      all RAM, NX   slot 256    |  kernel root only
 *   ffff_8800_0000_0000  | KSTACK_AREA     guarded stacks     272    |  kernel root only
 *   ffff_9000_0000_0000  | HEAP_AREA       kmalloc            288    |  kernel root only
 *   ffff_9800_0000_0000  | MMIO_AREA       LAPIC, IOAPIC      304    |  kernel root only
 *   ffff_a000_0000_0000  | CPU_ENTRY_AREA  IDTs, then a block  320   |  a sub-tree each
 *                        |                 per CPU (below)           |
 *   ffff_a800_0000_0000  | TRAMPOLINE_AREA per-task entry     336    |  kernel root: all;
 *                        |                 stacks                    |  user root: own threads'
 *   ffff_ffff_8000_0000  | kernel image, W^X by page          511    |  user root: its design's
 *                        |                                           |  text and rodata only
 *   ffff_ffff_ffff_ffff  +-------------------------------------------+
 *
 * A block of the CPU entry area, in pages (G = guard, never mapped):
 *
 *    0    GDT (read-only)          7  NMI stack   8 G
 *    1    TSS (read-only)          9  #DB stack  10 G
 *    2-3  I/O bitmap, reserved    11  #DF stack  12 G
 *    4 G                          13  #MC stack  14 G
 *    5-6 G                        15  door page (user and kernel root)
 *                                 16  percpu's private page (kernel root only)
 *   17 G, 18 entry stack of the first design that has one per CPU; 19 G, 20 of the second; ...
 *
 * The TSS's first 104 bytes must not cross a page, and the CPU reads an I/O
 * bitmap on whatever table is loaded (SDM vol. 1, 19.5.2), hence the room.
 */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

#define PAGE_SHIFT		12
#define PAGE_SIZE		0x1000

/* User half. */
#define USER_MIN		0x0000000000001000
#define USER_MAP_BASE		0x0000000100000000	/* anonymous maps grow up from here */
#define USER_STACK_TOP		0x00007ffff0000000	/* first thread's stack ends here */
#define USER_STACK_SIZE		0x10000			/* bytes, demand-zero */
#define USER_END		0x00007ffffffff000	/* first byte never mapped */

/* Kernel half, one top-level slot (512 GiB) each. */
#define DIRECT_MAP_BASE		0xffff800000000000
#define DIRECT_MAP_SIZE		0x0000008000000000
#define KSTACK_AREA_BASE	0xffff880000000000
#define HEAP_AREA_BASE		0xffff900000000000
#define MMIO_AREA_BASE		0xffff980000000000
#define CPU_ENTRY_AREA_BASE	0xffffa00000000000
#define TRAMPOLINE_AREA_BASE	0xffffa80000000000
#define KERNEL_IMAGE_BASE	0xffffffff80000000
#define KERNEL_LOAD_PA		0x0000000000100000

/* CPU entry area: an IDT page for each design, by its number, where a block would begin; then a
 * block of CEA_BLOCK_PAGES per CPU. */
#define CEA_IDT			CPU_ENTRY_AREA_BASE
#define CEA_BLOCK_PAGES		32
#define CEA_FIRST_BLOCK		0xffffa00000020000	/* CPU_ENTRY_AREA_BASE + one block */
#define CEA_GDT_PAGE		0
#define CEA_TSS_PAGE		1
/* The stack of IST entry @kind, enum ist_kind of arch/x86_64/percpu.h; a guard below each. */
#define CEA_IST_PAGE(kind)	(5 + 2 * (kind))
#define CEA_NMI_STACK_PAGE	CEA_IST_PAGE(1)
#define CEA_DB_STACK_PAGE	CEA_IST_PAGE(2)
#define CEA_DF_STACK_PAGE	CEA_IST_PAGE(3)
#define CEA_MC_STACK_PAGE	CEA_IST_PAGE(4)
#define CEA_DOOR_PAGE		15
#define CEA_PRIVATE_PAGE	16
/* The entry stack of the @n-th design with one per CPU, a guard page below each. */
#define CEA_ENTRY_STACKS_PAGE	18
#define CEA_ENTRY_STACK_PAGE(n)	(CEA_ENTRY_STACKS_PAGE + 2 * (n))

/* The bytes of an IST stack above the frame: struct ist_stack_top of arch/x86_64/percpu.h. */
#define IST_STACK_HEADROOM	16

/* Kernel stacks: a slot is a guard page and then the stack; pooled. */
#define KSTACK_PAGES		2
#define KSTACK_SLOT_PAGES	4
/* Trampoline stacks: a guard page and then one page. */
#define TRAMPOLINE_SLOT_PAGES	2

#define MAX_CPUS		64

#endif
