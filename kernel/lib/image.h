/* SPDX-License-Identifier: MIT */
/*
 * image.h - where the linker put what the kernel's text may not name: the same text is linked with
 * the probe and without it (linker.ld).
 */
#ifndef KERNEL_IMAGE_H
#define KERNEL_IMAGE_H

#include <stdint.h>

struct ksym;

struct image {
	uint64_t end_pa;		/* the first byte after it */
	const char *probe_text, *probe_text_end;	/* whole pages, or none */
	const char *probe_rodata, *probe_rodata_end;	/* the symbol table, too */
	const char *probe_data, *probe_data_end;
	const struct ksym *ksyms, *ksyms_end;
	const char *ksyms_names;
	void (*probe_install)(void);	/* sets the hooks of kernel/lib/probe.h; NULL: there is
					 * no probe */
};

extern struct image image;

#endif
