# SPDX-License-Identifier: MIT
# Vestibule - `make help` lists the targets.

BUILD  := build
PYTHON := /usr/bin/python3
ifneq ($(words $(BUILD)),1)
$(error BUILD=$(BUILD): one word is needed, a folder's name: make cannot handle a blank in it)
endif
# Nothing is written to the sources, so that they may be read-only.
export PYTHONPYCACHEPREFIX := $(if $(filter /%,$(BUILD)),,$(CURDIR)/)$(BUILD)/pycache
export BUILD PYTHON

# Toolchain: CROSS_COMPILE= wins; else tools/setup.sh says which prefix is there.
ifeq ($(origin CROSS_COMPILE),undefined)
CROSS_COMPILE := $(shell $(SHELL) tools/setup.sh toolchain)
endif
CC      := $(CROSS_COMPILE)gcc
LD      := $(CROSS_COMPILE)ld
OBJCOPY := $(CROSS_COMPILE)objcopy
ADDR2LINE := $(CROSS_COMPILE)addr2line
NASM    := nasm

# Warnings are errors in CI only (make lint): a new compiler must not break a student's build.
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(WERROR)
# Does the variable named $1 say yes, or no? The words of tools/lib/settings.py.
YES_WORDS := 1 yes on true
NO_WORDS := 0 no off false
yes      = $(call checked,$1)$(filter $(YES_WORDS),$($1))
no       = $(call checked,$1)$(filter $(NO_WORDS),$($1))
checked  = $(if $(filter-out $(YES_WORDS) $(NO_WORDS),$($1)),$(error $1=$($1): say $1=yes or $1=no))
# No host path or build time may reach the image. The tree's own path may hold blanks and quotes.
quoted   = '$(subst ','\'',$1)'
CBASE   := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fcf-protection=none \
           -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common -fno-ident \
           -ffile-prefix-map=$(call quoted,$(CURDIR))=. $(WARN)
KCFLAGS := $(CBASE) -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-omit-frame-pointer \
           -momit-leaf-frame-pointer -I. -I$(BUILD)/gen
UCFLAGS := $(CBASE) -msse2 -ffunction-sections -fdata-sections -I. -Iuser/lib -Itests/lib -I$(BUILD)/gen
# reloc: from 2.16.03 on each reference to another section is warned of. unknown-warning: 2.16.01 does not
# know that name, and 3.01 does not know its own struc macro's.
NASMWARN  := -w+all -w-unknown-warning -w-reloc $(if $(WERROR),-Werror)
NASMFLAGS := -f elf64 -g -F dwarf $(NASMWARN) -I. -Ientry/ -I$(BUILD)/gen/
KLDFLAGS := -L $(BUILD) -nostdlib -static -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments --build-id=none

# Each a piece of entry text: a design's own, or what a kind of designs shares.
PIECE_FILES := $(sort $(wildcard entry/*.asm))
PIECES      := $(notdir $(PIECE_FILES:.asm=))

KERNEL_IN  := arch/x86_64 arch/x86_64/pc boot mm entry kernel kernel/* tests/kernel tests/probe
KERNEL_C   := $(sort $(filter-out arch/x86_64/asm-offsets.c,$(wildcard $(KERNEL_IN:%=%/*.c))))
KERNEL_ASM := $(sort $(wildcard $(KERNEL_IN:%=%/*.asm)))
KERNEL_OBJ := $(KERNEL_C:%=$(BUILD)/kernel/%.o) $(KERNEL_ASM:%=$(BUILD)/kernel/%.o)
KERNEL_DEP := $(KERNEL_OBJ:.o=.d)
GEN        := $(addprefix $(BUILD)/gen/,asm-offsets.inc syscall_table.inc syscalls.h constants.json)
# The kernel without the probe: what measures it, tests it and breaks it on purpose.
BARE_OBJ   := $(filter-out $(BUILD)/kernel/tests/%,$(KERNEL_OBJ))
KERNEL     := $(BUILD)/vestibule.elf
BARE       := $(BUILD)/bare.elf
PROOF      := $(BUILD)/proof.json
SAME       := $(BUILD)/same-text.txt

# A user program is one file, or a directory of them; user/lib and tests/lib are linked with each.
TEST_SRC   := $(sort $(wildcard tests/user/*.c))
USER_SRC   := $(sort $(wildcard user/*.c tests/programs/*.c)) $(TEST_SRC)
USER_DIRS  := $(filter-out user/lib,$(sort $(patsubst %/,%,$(dir $(wildcard user/*/*.c tests/programs/*/*.c)))))
USER_IN    := user/* tests/programs/* tests/lib
USER_FILES := $(USER_SRC) $(sort $(wildcard $(USER_IN:%=%/*.c) $(USER_IN:%=%/*.asm)) kernel/lib/string.c)
USER_DEP   := $(USER_FILES:%=$(BUILD)/user/%.d)
USER_PROGS := $(addprefix $(BUILD)/user/bin/,$(basename $(notdir $(USER_SRC) $(USER_DIRS))))
USER_LIB   := $(sort $(wildcard $(foreach d,user/lib tests/lib,$(d)/*.c $(d)/*.asm)) kernel/lib/string.c)
USER_LIB   := $(USER_LIB:%=$(BUILD)/user/%.o) $(BUILD)/user/syscall_stubs.o
ARCHIVE    := $(BUILD)/archive.tar
ISO        := $(BUILD)/vestibule.iso
BARE_ARCHIVE := $(BUILD)/bare-archive.tar
BARE_ISO   := $(BUILD)/bare.iso

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# --- what people call --------------------------------------------------------
# Each first makes sure of its tools (tools/setup.sh), then starts make afresh: on a new machine what is
# found at parse time, the toolchain above all, is there only now.  V=1 shows the build's commands.
COMMANDS := all iso run hang debug test test-bochs test-debian torture races fuzz compare trace diff \
            mutants seeded fuzz-parsers lint
PARALLEL  = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 1))

ifneq ($(TOOLS_READY),yes)
# One after the other, in the order given: two would build the same files at once, and `clean` removes them.
ifneq ($(filter $(COMMANDS) clean,$(or $(MAKECMDGOALS),all)),)
.NOTPARALLEL:
endif
$(COMMANDS):
	@$(SHELL) tools/setup.sh $(if $(filter all,$@),build,$@)
	@$(MAKE) --no-print-directory $(if $(call yes,V),,-s) $(PARALLEL) TOOLS_READY=yes $@
else
all: $(KERNEL) $(ARCHIVE) $(PROOF) $(SAME)
iso: $(if $(call no,PROBE),$(BARE_ISO),$(ISO))
run: $(ISO)
	@$(PYTHON) tools/run.py
hang:
	@$(PYTHON) tools/hang.py
debug: $(KERNEL) $(ARCHIVE)
	@$(PYTHON) tools/debug.py
test: $(KERNEL) $(ARCHIVE) $(ISO) $(BARE_ISO)
	@$(PYTHON) tools/run_tests.py $(if $(T),$(call quoted,$(T)))
test-bochs: $(ISO)
	@$(PYTHON) tools/run_tests.py --lane bochslane $(if $(T),$(call quoted,$(T)))
test-debian:
	@tools/test_debian.sh $(RELEASE)
torture: $(KERNEL) $(ARCHIVE)
	@$(PYTHON) tools/torture.py
races: $(KERNEL) $(ARCHIVE)
	@$(PYTHON) tools/races.py
fuzz: $(KERNEL) $(ARCHIVE)
	@$(PYTHON) tools/fuzz.py
compare: $(KERNEL) $(ARCHIVE) $(ISO)
	@$(PYTHON) tools/compare.py $(if $(call yes,DOCS),--docs)
trace: $(KERNEL) $(ARCHIVE) $(ISO)
	@$(PYTHON) tools/trace.py
diff: $(KERNEL)
	@$(PYTHON) tools/diff.py
mutants: $(KERNEL) $(ARCHIVE)
	@$(PYTHON) tools/mutants.py
seeded: $(KERNEL) $(ARCHIVE) $(ISO)
	@$(PYTHON) tools/seeded.py $(if $(T),$(call quoted,$(T)))
fuzz-parsers: $(GEN)
	@$(PYTHON) tools/fuzz_parsers.py
lint:
	@$(SHELL) tools/lint.sh
endif

# One line of help each, printed by `make help`.
all:	## build the kernel and the boot archive, prove the entry text (the default)
iso:	## build the bootable image build/vestibule.iso; PROBE=0: build/bare.iso, without what tests it
run:	## boot the ISO in this terminal; ENTRY=design CPUS=n ARGS="key=value ..." UEFI=1; else the menu shows
hang:	## what the guest of `make run` is doing just now: its CPUs, and what each thread waits for
debug:	## gdb at the first instruction of the chosen design's syscall entry; ENTRY= CPUS= ARGS=
test:	## every test, or one with T=name
test-bochs:	## every design in Bochs: processors with PCID and x2APIC; some minutes; T=name
test-debian:	## compare and test on a bare Debian, made for it; RELEASE=bookworm, trixie or sid; as root, long
torture:	## everything at once on CPUS=4 for SECONDS=600 a design; ENTRY= SEED= ICOUNT=1 THREADS=1 MIXED=1
races:	## two system calls at once, one held at each of its instructions; ENTRY= X= Y= STRIDE= SAMPLE= SEED= JOBS=
fuzz:	## N=100000000 random system calls a design on CPUS=4, and the branches reached; SEED= ENTRY= ICOUNT=1 MIXED=1
compare:	## boot every design, print them side by side, write build/compare/; DOCS=yes: and the documents' tables
trace:	## one real entry and exit, instruction by instruction; ENTRY=design EVENT=syscall|irq|fault|nmi
lint:	## warnings as errors, static analysis, formatting, project rules
diff:	## two designs' entry paths side by side, and the instructions of each step; A=design B=design
mutants:	## blank each instruction of entry text: which test notices? Resumes; ENTRY= JOBS=2 SAMPLE=n
seeded:	## plant one bug after the other: which test notices? Goes on where it was; T=name JOBS=2 SAMPLE=n SEED=
fuzz-parsers:	## libFuzzer on what the kernel parses, for SECONDS=60 each; T=name SEED=
floors:	## which part of the kernel stands on which, and circles of includes
clean:	## remove everything that was built
help:	## this list

floors:
	@$(PYTHON) tools/floors.py

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^\([a-z-]*\):.*[[:space:]]## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='	' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

# --- what no file's time tells -------------------------------------------------
# A list that a file left, and other flags, make no file newer. So each is kept in a file of its own,
# which is new when the text is. $(call note,NAME,TEXT)
NOTES  := $(BUILD)/notes
same    = $(if $(subst x$1,,x$2)$(subst x$2,,x$1),,yes)
note    = $(if $(call same,$(file <$(NOTES)/$1),$(strip $2)),,\
		$(shell mkdir -p $(NOTES))$(file >$(NOTES)/$1,$(strip $2)))
DRY_RUN := $(findstring n,$(firstword -$(MAKEFLAGS)))
BUILDS  := $(or $(filter yes,$(TOOLS_READY)),$(filter-out $(COMMANDS) clean help,$(MAKECMDGOALS)))

ifneq ($(and $(BUILDS),$(if $(DRY_RUN),,yes)),)
$(call note,flags,$(subst $(CURDIR),.,$(CC) $(LD) $(KCFLAGS) $(UCFLAGS) $(NASM) $(NASMFLAGS) $(KLDFLAGS)) \
	$(shell $(CC) --version; $(LD) --version; $(NASM) --version))
$(call note,kernel-sources,$(KERNEL_C) $(KERNEL_ASM))
$(call note,user-sources,$(USER_FILES))
endif
$(NOTES)/%:	# one that was deleted since
	@mkdir -p $(@D) && touch $@

RULES := Makefile $(NOTES)/flags

# --- generated sources -------------------------------------------------------
$(BUILD)/gen/asm-offsets.s: arch/x86_64/asm-offsets.c $(BUILD)/gen/asm-offsets.d $(RULES)
	@mkdir -p $(@D)
	$(CC) $(KCFLAGS) -MMD -MP -S -o $@ $<
	@touch $@	# gcc ends with the .d here

$(BUILD)/gen/asm-offsets.inc: $(BUILD)/gen/asm-offsets.s
	sed -n 's/^.*->\([A-Z0-9_]*\) \$$*\(-\{0,1\}[0-9]*\).*/%define \1 \2/p' $< > $@

# The same and more, for tools/.
$(BUILD)/gen/constants.json: tools/gen_constants.py $(BUILD)/gen/constants.d $(BUILD)/gen/syscalls.h $(RULES)
	$(PYTHON) tools/gen_constants.py $@ $(CC) $(KCFLAGS)

$(BUILD)/gen/syscall_table.inc $(BUILD)/gen/syscalls.h $(BUILD)/gen/syscall_stubs.asm &: \
		kernel/syscalls.def kernel/abi.h tools/gen_syscalls.py tools/lib/syscalls.py
	@mkdir -p $(BUILD)/gen
	$(PYTHON) tools/gen_syscalls.py --out $(BUILD)/gen

# Page-aligned pieces of entry text and rodata, bounded by symbols (- in a name becomes _).
$(BUILD)/entry-%.ld: $(PIECE_FILES) Makefile $(NOTES)/kernel-sources
	@mkdir -p $(@D)
	for d in $(PIECES); do s=$$(echo $$d | tr - _); \
	printf '. = ALIGN(4096); entry_%s_%s_start = .; *(.entry.%s.%s) . = ALIGN(4096); entry_%s_%s_end = .;\n' \
		$$s $* $* $$d $$s $*; done > $@

# --- kernel ------------------------------------------------------------------
# What an object is made of its .d says; one that is gone makes the object old.
$(BUILD)/kernel/%.c.o: %.c $(BUILD)/kernel/%.c.d $(RULES) | $(GEN)
	@mkdir -p $(@D)
	$(CC) $(KCFLAGS) -MMD -MP -c -o $@ $<
	$(PROBE_NAMES)

# The probe's sections get names of their own, so that all of it can lie last: linker.ld.
PROBE_NAMES = $(if $(filter tests/%,$<),$(OBJCOPY) --prefix-alloc-sections=.probe $@)

# C of an entry design runs on the user table: no jump tables, no libcalls, nothing outside entry text.
$(BUILD)/kernel/entry/%.c.o: KCFLAGS += -fno-jump-tables -fno-tree-loop-distribute-patterns -fomit-frame-pointer

# NASM 2.16's -MD leaves out what a file includes, -M does not.
$(BUILD)/kernel/%.asm.o: %.asm $(BUILD)/kernel/%.asm.d $(RULES) | $(GEN)
	@mkdir -p $(@D)
	$(NASM) $(NASMFLAGS) -M -MP -MT $@ -MF $(@:.o=.d) $<
	$(NASM) $(NASMFLAGS) -o $@ $<
	$(PROBE_NAMES)

# Linked twice: the symbol table made from the first pass lies after all text, so no text
# address moves.
# What a killed make leaves must not look finished: it gets its name at the end.
LINKED := linker.ld $(BUILD)/entry-text.ld $(BUILD)/entry-rodata.ld $(RULES) $(NOTES)/kernel-sources

define linked
$(BUILD)/$(1)-pass1.elf: $(2) $$(LINKED)
	$(LD) $(KLDFLAGS) -T linker.ld -o $$@ $(2)

$(BUILD)/gen/$(1)-ksyms.asm: $(BUILD)/$(1)-pass1.elf tools/gen_ksyms.py tools/lib/elf.py
	$(PYTHON) tools/gen_ksyms.py $$< > $$@

$(BUILD)/kernel/$(1)-ksyms.o: $(BUILD)/gen/$(1)-ksyms.asm
	$(NASM) $(NASMFLAGS) -o $$@ $$<

$(BUILD)/$(1).elf: $(2) $(BUILD)/kernel/$(1)-ksyms.o $$(LINKED)
	$(LD) $(KLDFLAGS) -T linker.ld -o $$@.part $(2) $(BUILD)/kernel/$(1)-ksyms.o
	mv $$@.part $$@
endef
$(eval $(call linked,vestibule,$(KERNEL_OBJ)))
$(eval $(call linked,bare,$(BARE_OBJ)))

# What is measured is what is shipped, and neither is another kernel than the one without the probe.
$(SAME): $(KERNEL) $(BARE) tools/same_text.py tools/lib/elf.py
	$(PYTHON) tools/same_text.py $(KERNEL) $(BARE) > $@.part
	mv $@.part $@

# Entry text touches only what its table maps, and the state notes hold: entry/proof.md.
$(PROOF): $(KERNEL) $(BUILD)/gen/constants.json tools/prove.py tools/lib/elf.py tools/lib/constants.py \
		$(wildcard tools/proof/*.py entry/*)
	ADDR2LINE=$(ADDR2LINE) $(PYTHON) tools/prove.py --kernel $(KERNEL) \
		--constants $(BUILD)/gen/constants.json --json $@.part
	mv $@.part $@

# --- user programs and the boot archive --------------------------------------
$(BUILD)/user/%.c.o: %.c $(BUILD)/user/%.c.d $(RULES) | $(GEN)
	@mkdir -p $(@D)
	$(CC) $(UCFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/user/%.asm.o: %.asm $(BUILD)/user/%.asm.d $(RULES) | $(GEN)
	@mkdir -p $(@D)
	$(NASM) $(NASMFLAGS) -M -MP -MT $@ -MF $(@:.o=.d) $<
	$(NASM) $(NASMFLAGS) -o $@ $<

# gcc would make a call of strlen() out of the loop in strlen().
$(BUILD)/user/kernel/lib/string.c.o: UCFLAGS += -fno-tree-loop-distribute-patterns

# What tests=user runs.
$(BUILD)/gen/test_programs.inc: Makefile $(NOTES)/user-sources
	@mkdir -p $(@D)
	printf '"%s",\n' $(basename $(notdir $(TEST_SRC))) > $@
$(BUILD)/user/user/init.c.o: $(BUILD)/gen/test_programs.inc

$(BUILD)/user/syscall_stubs.o: $(BUILD)/gen/syscall_stubs.asm $(RULES)
	@mkdir -p $(@D)
	$(NASM) $(NASMFLAGS) -o $@ $<

define user_program
$(BUILD)/user/bin/$(basename $(notdir $(1))): $(2:%=$(BUILD)/user/%.o) $(USER_LIB) user/user.ld $(NOTES)/user-sources
	@mkdir -p $$(@D)
	$(LD) -nostdlib -static --gc-sections -z noexecstack -z max-page-size=4096 --build-id=none \
		-T user/user.ld -o $$@ $$(filter %.o,$$^)
endef
$(foreach s,$(USER_SRC),$(eval $(call user_program,$(s),$(s))))
$(foreach d,$(USER_DIRS),$(eval $(call user_program,$(d),$(sort $(wildcard $(d)/*.c $(d)/*.asm)))))

# Debug information stays out: it is large, and it holds paths of the machine that built it.
$(BUILD)/user/archive/%: $(BUILD)/user/bin/%
	@mkdir -p $(@D)
	$(OBJCOPY) --strip-debug $< $@

$(ARCHIVE): $(USER_PROGS:$(BUILD)/user/bin/%=$(BUILD)/user/archive/%) $(NOTES)/user-sources
	tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0755 \
		-C $(BUILD)/user/archive -cf $@.part $(sort $(notdir $(USER_PROGS)))
	mv $@.part $@

$(BARE_ARCHIVE): $(BUILD)/user/archive/init $(BUILD)/user/archive/designs
	tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0755 \
		-C $(BUILD)/user/archive -cf $@.part designs init
	mv $@.part $@

# --- the image ---------------------------------------------------------------
$(ISO): $(KERNEL) $(ARCHIVE) tools/mkiso.py tools/lib/designs.py entry/registry.h | $(PROOF)
	OBJCOPY=$(OBJCOPY) $(PYTHON) tools/mkiso.py $(KERNEL) $(ARCHIVE) $@

$(BARE_ISO): $(BARE) $(BARE_ARCHIVE) $(SAME) tools/mkiso.py tools/lib/designs.py entry/registry.h | $(PROOF)
	OBJCOPY=$(OBJCOPY) $(PYTHON) tools/mkiso.py $(BARE) $(BARE_ARCHIVE) $@

.PHONY: $(COMMANDS) floors clean help
DEPS := $(KERNEL_DEP) $(USER_DEP) $(BUILD)/gen/asm-offsets.d $(BUILD)/gen/constants.d
$(DEPS): ;
-include $(wildcard $(DEPS))
