/* SPDX-License-Identifier: MIT */
/*
 * trust.h - vouch for a memory operand of entry text that tools/prove.py cannot follow.
 *
 * Stands right before the instruction, in the template of an inline assembly statement, and says
 * why the operand is mapped: TRUSTED("the reason") "mov (%1), %0".  The build prints and counts
 * each, ten at most.
 */
#ifndef ENTRY_TRUST_H
#define ENTRY_TRUST_H

#define TRUSTED(reason)					\
	"771:	.pushsection .proof_trust, \"\", @progbits\n"	\
	"	.quad 771b\n"					\
	"	.asciz \"" reason "\"\n"			\
	"	.balign 8\n"					\
	"	.popsection\n\t"

#endif
