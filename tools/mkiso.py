#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mkiso.py - the bootable ISO: GRUB for BIOS and UEFI, the kernel, the boot archive.

    mkiso.py KERNEL ARCHIVE OUT.iso

The same inputs give the same bytes: dates, volume ids and the FAT serial number are
fixed, and the kernel goes in without debug information, the only place where a build
path could stand.  GRUB's own modules are inside its core image, so booting reads three
files, of the medium that holds a file named after them: this image's mark.  The hybrid boot
record makes the same bytes start from a USB stick.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lib.designs import designs

EPOCH = 1605744000          # 2020-11-19 00:00 UTC, the date that the tests' clock starts with
DATE = "2020111900000000"   # the same for xorriso
GRUB_DIRS = {"bios": Path("/usr/lib/grub/i386-pc"), "uefi": Path("/usr/lib/grub/x86_64-efi")}
COMMON_MODULES = ("normal configfile iso9660 search search_fs_file multiboot2 serial terminal "
                  "smbios test regexp minicmd echo sleep reboot halt part_msdos part_gpt").split()
MODULES = {"bios": COMMON_MODULES + ["biosdisk"],
           "uefi": COMMON_MODULES + ["all_video", "fat"]}

# The core image finds its own medium, whatever the drive is called, by a file whose name no other
# image has. The drive that the firmware booted is asked first.
EARLY_CFG = """search --file --set=root --hint=$root {mark}
set prefix=($root)/boot/grub
configfile /boot/grub/grub.cfg
"""

GRUB_CFG_HEAD = """\
# The menu on the screen and on the serial line, whichever of them there is.  UEFI firmware mirrors
# its own console to the serial line: a second writer there would garble it.
if [ "$grub_platform" = pc ]; then
	if serial --unit=0 --speed=115200; then
		terminal_input console serial
		terminal_output console serial
	fi
fi

function start {
	multiboot2 /boot/vestibule.elf $*
	module2 /boot/archive.tar archive
	boot
}

# A host can hand any command line to this unchanged ISO:
# qemu -smbios type=1,serial="key=value ...".  QEMU leaves that field empty, so whatever is there
# somebody has typed, and the kernel says what is wrong with it.  Other machines have serial numbers
# there: only key=value is taken for a command line.
smbios --type 1 --get-string 4 --set maker
smbios --type 1 --get-string 7 --set smb
if [ "$maker" = QEMU ]; then
	set words="$smb"
elif regexp '^[a-z]+=' "$smb"; then
	set words="$smb"
fi
rmmod regexp	# or a * in a word would become the names of files
if [ "x$words" != x ]; then
	start $words
fi

set default=0
set timeout=5
"""


def quoted(text: str) -> str:
    """@text as one GRUB word."""
    return "'" + text.replace("'", "'\\''") + "'"


def grub_cfg() -> str:
    """The menu: the kernel's own default first, then every design of the registry."""
    entries = [("Vestibule with its default entry design", "")]
    entries += [(f"{d.name}: {d.summary}", f"entry={d.name}") for d in designs()]
    entries.append(("every design at once: a demonstration", "run=designs"))
    menu = "".join(f"menuentry {quoted(title)} {{\n\tstart {args}\n}}\n" for title, args in entries)
    return GRUB_CFG_HEAD + menu


def run(*command: str | Path, env: dict | None = None) -> None:
    """Run a tool; its output is shown only when it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f"mkiso: {command[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")


def make_core(work: Path, platform: str, mark: str) -> Path:
    """GRUB with its modules built in: an El Torito image or an EFI program. @mark: its medium's own
    file."""
    out = work / f"core.{platform}"
    early = work / "early.cfg"
    early.write_text(EARLY_CFG.format(mark=mark))
    fmt = {"bios": "i386-pc-eltorito", "uefi": "x86_64-efi"}[platform]
    run("grub-mkimage", "-O", fmt, "-d", GRUB_DIRS[platform], "-c", early, "-p", "/boot/grub",
        "-o", out, *MODULES[platform])
    return out


def make_esp(work: Path, program: Path) -> Path:
    """A FAT image that holds /EFI/BOOT/BOOTX64.EFI, just large enough."""
    image = work / "efi.img"
    kib = program.stat().st_size // 1024 + 64
    kib += -kib % 32
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH), "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC"}
    with open(image, "wb") as f:
        f.truncate(kib * 1024)
    os.utime(program, (EPOCH, EPOCH))
    run("mformat",
        "-i",
        image,
        "-N",
        "0x20201119",
        "-T",
        str(kib * 2),
        "-h",
        "2",
        "-s",
        "32",
        "::",
        env=env)
    run("mmd", "-i", image, "::/EFI", "::/EFI/BOOT", env=env)
    run("mcopy", "-m", "-i", image, program, "::/EFI/BOOT/BOOTX64.EFI", env=env)
    return image


def make_mark(boot: Path) -> str:
    """An empty file, named after all that GRUB boots from this medium; its path on the ISO."""
    content = hashlib.sha256()
    for path in (boot / "vestibule.elf", boot / "archive.tar", boot / "grub" / "grub.cfg"):
        content.update(hashlib.sha256(path.read_bytes()).digest())
    mark = boot / f"{content.hexdigest()[:32]}.id"
    mark.touch()
    return f"/boot/{mark.name}"


def settle(tree: Path) -> None:
    """The same modes and dates everywhere, whatever umask and clock say."""
    for path in [*sorted(tree.rglob("*"), reverse=True), tree]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def make_tree(work: Path, kernel: Path, archive: Path) -> Path:
    """What the ISO shows: boot/vestibule.elf, boot/archive.tar, boot/*.id, boot/grub/*."""
    boot = work / "iso" / "boot"
    (boot / "grub").mkdir(parents=True)
    objcopy = os.environ.get("OBJCOPY", "objcopy")
    run(objcopy, "--strip-debug", kernel, boot / "vestibule.elf")
    shutil.copy(archive, boot / "archive.tar")
    (boot / "grub" / "grub.cfg").write_text(grub_cfg())
    mark = make_mark(boot)
    shutil.copy(make_core(work, "bios", mark), boot / "grub" / "eltorito.img")
    shutil.copy(make_esp(work, make_core(work, "uefi", mark)), boot / "grub" / "efi.img")
    settle(work / "iso")
    return work / "iso"


def main() -> None:
    kernel, archive, out = (Path(a) for a in sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="mkiso-") as tmp:
        tree = make_tree(Path(tmp), kernel, archive)
        part = out.with_suffix(".part")
        part.unlink(missing_ok=True)
        run("xorriso",
            "-as",
            "mkisofs",
            "-quiet",
            "-R",
            "-V",
            "VESTIBULE",
            "-o",
            part,
            "--modification-date=" + DATE,
            "--set_all_file_dates",
            DATE,
            "-uid",
            "0",
            "-gid",
            "0",
            "-b",
            "boot/grub/eltorito.img",
            "-no-emul-boot",
            "-boot-load-size",
            "4",
            "-boot-info-table",
            "--grub2-boot-info",
            "--grub2-mbr",
            GRUB_DIRS["bios"] / "boot_hybrid.img",
            "--efi-boot",
            "boot/grub/efi.img",
            "-efi-boot-part",
            "--efi-boot-image",
            "--protective-msdos-label",
            "--gpt_disk_guid",
            "20201119-0000-4000-8000-000000000000",
            tree,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)})
        part.replace(out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
