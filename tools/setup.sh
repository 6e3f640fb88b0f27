#!/bin/sh
# SPDX-License-Identifier: MIT
# setup.sh - make sure that the tools are there: `setup.sh GROUP...`, of build iso run compare trace diff test
# races fuzz mutants seeded fuzz-parsers lint debug hang, or all.
#
# Debian as root: what is missing is installed.  Elsewhere: everything that is missing is listed at
# once, with package names and the command, and the status is 1.  Nothing but shell built-ins runs
# before something is found missing, but for the version and module questions at the end.
#
# `setup.sh toolchain` prints the prefix of the cross toolchain that the Makefile uses by default.
#
# BUILD       where the log of an installation goes (default build)
# PYTHON      the interpreter (default /usr/bin/python3)
# SETUP_ROOT  look for files below this directory (for the test of this script)
set -u
PYTHON=${PYTHON:-/usr/bin/python3}
BUILD=${BUILD:-build}
ROOT=${SETUP_ROOT:-}
QEMU_MIN=7.2

have() { command -v "$1" >/dev/null 2>&1; }
targets_x86_64() { case $("$1" -dumpmachine 2>/dev/null) in x86_64*) true ;; *) false ;; esac; }

# The order that docs/running.md gives: x86_64-elf-, x86_64-linux-gnu-, a host gcc that targets x86-64.
find_toolchain() {
	for prefix in x86_64-elf- x86_64-linux-gnu-; do
		have "${prefix}gcc" && have "${prefix}ld" && { echo "$prefix"; return 0; }
	done
	have gcc && have ld && targets_x86_64 gcc
}

host_is_x86_64() {
	case $(uname -m 2>/dev/null) in x86_64 | '') true ;; *) false ;; esac
}

missing=	# one line per missing tool, for people
packages=	# Debian packages that bring them
broken=		# what no package mends
lacks() {	# what, package
	missing="$missing  $1 (package $2)
"
	case " $packages " in *" $2 "*) ;; *) packages="$packages $2" ;; esac
}
tool() { have "$1" || lacks "$1" "$2"; }
file() {	# package, what, file of which any one will do...
	pkg=$1 what=$2
	shift 2
	for f; do [ -e "$ROOT$f" ] && return; done
	lacks "$what" "$pkg"
}

check_toolchain() {
	if [ -n "${CROSS_COMPILE+set}" ]; then	# the user's choice: never replaced, never installed
		for t in gcc ld objcopy; do
			have "$CROSS_COMPILE$t" ||
				broken="$broken  $CROSS_COMPILE$t: not found (CROSS_COMPILE=$CROSS_COMPILE)
"
		done
		! have "${CROSS_COMPILE}gcc" || targets_x86_64 "${CROSS_COMPILE}gcc" ||
			broken="$broken  ${CROSS_COMPILE}gcc does not target x86-64: choose another CROSS_COMPILE=
"
	elif ! find_toolchain >/dev/null; then
		if host_is_x86_64; then
			lacks "gcc for x86-64" gcc
			lacks "GNU ld for x86-64" binutils
		else
			lacks "gcc for x86-64" gcc-x86-64-linux-gnu
			lacks "GNU ld for x86-64" binutils-x86-64-linux-gnu
		fi
	fi
}

check_build() {
	check_toolchain
	tool nasm nasm
	[ -x "$PYTHON" ] || lacks "$PYTHON" python3
	# tools/prove.py reads the kernel with them.
	check_modules elftools:python3-pyelftools capstone:python3-capstone
}

check_iso() {
	check_build
	tool grub-mkimage grub-common
	file grub-pc-bin "GRUB for BIOS" /usr/lib/grub/i386-pc/multiboot2.mod
	file grub-efi-amd64-bin "GRUB for UEFI" /usr/lib/grub/x86_64-efi/multiboot2.mod
	tool xorriso xorriso
	tool mformat mtools
}

check_run() {
	check_iso
	tool qemu-system-x86_64 qemu-system-x86
	file ovmf "UEFI firmware OVMF" /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_CODE.fd \
		/usr/share/ovmf/OVMF.fd
	have qemu-system-x86_64 && check_qemu_version
}

check_qemu_version() {
	version=$(qemu-system-x86_64 --version 2>/dev/null)
	version=${version#*version } version=${version%%[!0-9.]*}
	major=${version%%.*} minor=${version#*.} minor=${minor%%.*}
	[ "${major:-0}" -gt "${QEMU_MIN%.*}" ] && return
	[ "${major:-0}" -eq "${QEMU_MIN%.*}" ] && [ "${minor:-0}" -ge "${QEMU_MIN#*.}" ] && return
	broken="$broken  qemu-system-x86_64 is version ${version:-unknown}: at least $QEMU_MIN is needed
"
}

check_modules() {	# module:package...
	if [ ! -x "$PYTHON" ]; then
		for m; do lacks "Python module ${m%%:*}" "${m#*:}"; done
		return
	fi
	for m in $("$PYTHON" -c 'import sys, importlib.util as u
for m in sys.argv[1:]:
	u.find_spec(m.split(":")[0]) or print(m)' "$@"); do
		lacks "Python module ${m%%:*}" "${m#*:}"
	done
}

check_compare() {
	check_run
	check_modules matplotlib:python3-matplotlib
}

check_debug() {
	check_run
	tool gdb gdb
}

check_test() {
	check_debug
	tool gcc gcc	# the host's own: unit tests run here
	file libc6-dev "C library headers" /usr/include/stdlib.h
	tool patch patch
	file libcmocka-dev "cmocka" /usr/include/cmocka.h /usr/local/include/cmocka.h
	check_modules pexpect:python3-pexpect
	check_fuzzer
}

# clang's libFuzzer, of the version that clang itself has: in all of Debian 12, 13 and sid the packages
# without a version belong together.
check_fuzzer() {
	file libc6-dev "C library headers" /usr/include/stdlib.h
	if ! have clang; then
		lacks clang clang
		lacks "clang's libFuzzer" libclang-rt-dev
		return
	fi
	resources=$(clang -print-resource-dir 2>/dev/null)
	file libclang-rt-dev "clang's libFuzzer" "$resources"/lib/*/libclang_rt.fuzzer*
}

check_bochs() {
	check_iso
	check_modules pexpect:python3-pexpect
	tool bochs bochs
	file bochs-term "Bochs's text display" /usr/lib/*-linux-gnu/bochs/plugins/libbx_term_gui.so \
		/usr/lib*/bochs/plugins/libbx_term_gui.so /usr/local/lib/bochs/plugins/libbx_term_gui.so
	file bochsbios "Bochs's BIOS" /usr/share/bochs/BIOS-bochs-latest \
		/usr/local/share/bochs/BIOS-bochs-latest
	file vgabios "a VGA BIOS" /usr/share/vgabios/vgabios-stdvga.bin /usr/share/bochs/VGABIOS-lgpl-latest \
		/usr/local/share/bochs/VGABIOS-lgpl-latest
}

check_debian() {
	tool debootstrap debootstrap
}

check_lint() {
	check_iso
	tool clang-tidy clang-tidy
	tool clang-format clang-format
}

check_groups() {
	missing='' packages='' broken=''
	for group; do
		case $group in
		trace) check_compare ;;
		diff) check_build ;;
		test-bochs) check_bochs ;;
		test-debian) check_debian ;;
		torture | races | fuzz | mutants | seeded) check_test ;;
		hang) check_debug ;;
		fuzz-parsers) check_build; check_fuzzer ;;
		build | iso | run | compare | debug | test | lint) "check_$group" ;;
		all) check_compare; check_test; check_bochs; check_lint ;;
		*)
			echo "setup.sh: unknown group '$group': build iso run compare trace diff debug hang test" \
				"test-bochs test-debian torture races fuzz mutants seeded fuzz-parsers lint all" >&2
			exit 2
			;;
		esac
	done
	# A tool that two groups need is named once.
	missing=$(printf '%s' "$missing" | { seen='
'; while IFS= read -r l; do case $seen in *"
$l
"*) ;; *) seen="$seen$l
"; printf '%s\n' "$l" ;; esac; done; })
}

install_packages() {
	mkdir -p "$BUILD" && log=$BUILD/setup.log || return
	echo "setup: installing$packages (some minutes; details in $log)"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	{ apt-get update -q && apt-get install -y -q --no-install-recommends $packages; } </dev/null >"$log" 2>&1 ||
		{ tail -n 20 "$log" >&2; echo "setup: apt-get failed, see above and $log" >&2; return 1; }
}

report() {
	[ -z "$missing" ] || printf 'Missing:\n%s\n' "$missing"
	[ -z "$broken" ] || printf 'Unusable:\n%s' "$broken"
	[ -z "$packages" ] || printf 'On Debian, as root, this installs them:\n  %s\n' \
		"apt-get update && apt-get install -y --no-install-recommends$packages"
}

[ "${1-}" != toolchain ] || { find_toolchain; exit; }
check_groups "$@"
[ -n "$missing$broken" ] || exit 0
if [ -n "$packages" ] && have apt-get && have id && [ "$(id -u)" = 0 ]; then
	printf 'Missing:\n%s\n' "$missing"
	install_packages
	check_groups "$@"
	[ -n "$missing$broken" ] || { echo "setup: done"; exit 0; }
fi
report >&2
exit 1
