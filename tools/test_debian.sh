#!/bin/bash
# SPDX-License-Identifier: MIT
# test_debian.sh - the README's two commands on a bare Debian: `test_debian.sh bookworm`, trixie or sid.
#
# As root, on a Debian.  debootstrap makes a bare system in $DEBIAN_DIR/RELEASE from this machine's own apt sources,
# with git, make and ca-certificates added.  The working tree is copied there without what was built, and
# `make compare` and `make test` are run; they install what they need.  Shows how each ended.  The status is 0 when
# both ended with 0 and printed no warning.  The logs stay in $BUILD/debian/.
#
# DEBIAN_DIR  where the systems are made (default /var/tmp/vestibule-debian), some 3 GB each; made anew each time
# KEEP=yes    leave it there for a look inside
set -u
cd "$(dirname "$0")/.." || exit 1
release=${1-}
where=${DEBIAN_DIR:-/var/tmp/vestibule-debian}
root=$where/$release
build=${BUILD:-build}
logs=$build/debian
ended=() passed=0 failed=0

die() { echo "test-debian: $*" >&2; exit 1; }

# This machine's apt sources for @release, as lines "URI suite component": bookworm-updates becomes
# trixie-updates, and sid has one suite alone.
sources() {
	local own uri suite component
	own=$(. /etc/os-release && echo "${VERSION_CODENAME-sid}")
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
		while read -r uri suite component; do
			case $release:$suite in
			*:"$own") echo "$uri $release $component" ;;
			sid:*) ;;
			*:"$own"-*) echo "$uri $release${suite#"$own"} $component" ;;
			esac
		done
}

check() {
	case $release in
	bookworm | trixie | sid) ;;
	*) die "RELEASE=$release: bookworm, trixie or sid" ;;
	esac
	[ "$(id -u)" = 0 ] || die "debootstrap and chroot need root"
	command -v apt-get >/dev/null || die "no apt-get: the bare system is made from a Debian's apt sources"
	[ -n "$(sources)" ] || die "apt names no source for this machine's release: apt-get update, then once more"
}

# Whatever still runs in there was started by this script.
stop_all() {
	local p
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/root")" != "$root" ] || kill -KILL "${p#/proc/}"
	done 2>/dev/null
}

mounted() { awk -v at="$root/" 'index($2, at) == 1 { print $2 }' /proc/self/mounts | sort -r; }

# Never through a mount: what is behind it is the host's.
remove() {
	local at
	mounted | while read -r at; do umount "$at" || umount --lazy "$at"; done
	[ -z "$(mounted)" ] || die "$root has mounts that cannot be undone, so it stays"
	rm -rf --one-file-system "$root"
}

leave() {
	trap '' HUP INT TERM
	stop_all
	[ "${KEEP-}" = yes ] || remove
}

# The mounts are this script's own (unshare, below): they end with it, however it ends.
mount_in() {
	mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" && mount --bind /dev/pts "$root/dev/pts"
}

make_system() {
	local suite
	suite=$(sources | awk -v suite="$release" '$2 == suite { print $1; exit }')
	echo "test-debian: making a bare $release in $root"
	debootstrap --variant=minbase --include=git,make,ca-certificates "$release" "$root" "$suite" \
		>"$logs/$release-debootstrap.log" 2>&1 || { tail "$logs/$release-debootstrap.log" >&2; return 1; }
	sources | sed 's/^/deb /' >"$root/etc/apt/sources.list"
	apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/00host"
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
	chroot "$root" update-ca-certificates >/dev/null 2>&1
	mount_in
}

copy_tree() {
	mkdir -p "$root/root/vestibule"
	tar --exclude="./${build#./}" --exclude=__pycache__ -cf - . |
		tar -C "$root/root/vestibule" --no-same-owner -xf -
}

# Of this shell's environment only the way to apt's archives; make has put more into it.
inside() {
	local proxies
	mapfile -t proxies < <(env | grep -i '^[a-z]*_proxy=')
	env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin ${proxies[@]+"${proxies[@]}"} \
		chroot "$root" sh -c "cd /root/vestibule && $1" </dev/null 2>&1
}

step() {	# make's target
	local log=$logs/$release-$1.log start=$SECONDS status warnings word=passed
	echo "test-debian: make $1 on $release"
	inside "make $1" > >(tee "$log") &
	wait $!		# unlike a pipe, it is left at once for a signal's trap
	status=$?
	wait		# for tee
	warnings=$(grep -ciw warning "$log")
	if [ "$status" = 0 ] && [ "$warnings" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)) word=FAILED
	fi
	ended+=("make $1: $word in $((SECONDS - start)) s, status $status, $warnings warnings, last line of $log:"
		"    $(tail -n 1 "$log")")
}

versions() {
	inside 'cat /etc/debian_version
		for tool in qemu-system-x86_64 gcc ld nasm gdb python3; do $tool --version | head -n 1; done'
}

# One function, read as a whole before it runs: this file may be edited meanwhile.
main() {
	check
	[ "${IN_OWN_MOUNTS-}" = yes ] || IN_OWN_MOUNTS=yes exec unshare --mount --propagation private "$0" "$@"
	mkdir -p "$where" "$logs" || exit
	root=$(realpath "$where")/$release
	exec 9>"$root.lock"
	flock -n 9 || die "another run is at work in $root"
	remove
	trap leave EXIT
	trap 'exit 1' HUP INT TERM
	make_system && copy_tree || die "no $release in $root: see $logs"
	step compare
	step test
	echo "test-debian: $release was:"
	versions | sed 's/^/    /'
	printf '%s\n' "${ended[@]}"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}

main "$@"
