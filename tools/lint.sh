#!/bin/sh
# SPDX-License-Identifier: MIT
# lint.sh - everything that `make lint` checks; the last line is `N passed, N failed`.
#
#     lint.sh [WORDS]     all steps, or those whose name contains WORDS
#
# The tree is built a second time, warnings being errors, in $BUILD/lint: a new compiler must not
# break a student's build, only ours.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
PYTHON=${PYTHON:-/usr/bin/python3}
STRICT=$BUILD/lint
passed=0 failed=0
wanted=${1-} steps=

step() {	# what, command...
	what=$1
	shift
	steps="$steps
  $what"
	case $what in *"$wanted"*) ;; *) return ;; esac
	if output=$("$@" 2>&1); then
		echo "ok - $what"
		passed=$((passed + 1))
	else
		echo "not ok - $what"
		printf '%s\n' "$output" | sed 's/^/# /' | tail -n 200
		failed=$((failed + 1))
	fi
}

files() { "$PYTHON" tools/sources.py "$@"; }	# fails when there are none

# As a fresh make: the one that called this script has its own jobs and variables.
build() { MAKEFLAGS='' make -s --no-print-directory -j"$(nproc)" TOOLS_READY=yes "$@" iso; }
build_strictly() { build BUILD="$STRICT" WERROR=-Werror; }

# Two build directories, one image: neither paths nor the time of the build may reach it.
build_again() {
	build BUILD="$BUILD" && cmp "$BUILD/vestibule.iso" "$STRICT/vestibule.iso"
}

# clang has its own opinions on warnings: only .clang-tidy's count.
tidy() {	# flags of the target, file patterns...
	flags="--target=x86_64-unknown-none-elf -std=gnu11 -O2 -ffreestanding -Wno-everything $1"
	shift
	list=$(files "$@") || { echo "$list"; return 1; }
	# shellcheck disable=SC2086 # lists of words
	echo "$list" | grep -v asm-offsets.c |
		xargs -P "$(nproc)" -n 4 sh -c 'clang-tidy --quiet "$@" -- '"$flags -I. -I$STRICT/gen 2>&1" tidy
}
tidy_kernel() {
	tidy "-mcmodel=kernel -mno-red-zone -mgeneral-regs-only" 'arch/*.c' 'boot/*.c' 'mm/*.c' 'entry/*.c' \
		'kernel/*.c' 'tests/kernel/*.c' 'tests/probe/*.c'
}
tidy_user() {
	tidy "-Iuser/lib -Itests/lib" 'user/*.c' 'tests/user/*.c' 'tests/programs/*.c' 'tests/lib/*.c'
}

format() {
	list=$(files '*.c' '*.h') || { echo "$list"; return 1; }
	echo "$list" | xargs "$PYTHON" tools/check_format.py
}

step "builds with warnings as errors" build_strictly
step "two build directories give one image" build_again
step "clang-tidy: kernel" tidy_kernel
step "clang-tidy: user" tidy_user
step "clang-format" format
step "docs/syscalls.md is up to date" "$PYTHON" tools/gen_syscalls.py --check docs/syscalls.md
step "project rules" "$PYTHON" tools/check_project.py
step "floors" "$PYTHON" tools/floors.py
[ $((passed + failed)) -gt 0 ] || { echo "lint: no step is called '$wanted'; there are:$steps"; exit 1; }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
