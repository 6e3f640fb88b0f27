# SPDX-License-Identifier: MIT
"""media.py - the ISO boots its own medium's kernel, whatever else is attached, as disk and as disc.
And nothing that a host hands it as a command line is dropped."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from check import DESIGNS, ROOT, WELCOME, Boot, Check, Failed, cross, expect, report
from lib import paths

LAST = DESIGNS[-1].name
NO_MENU = ["-smbios", "type=1,serial=seed=1"]
# what a kernel says first; of equal length
OURS, OTHERS = "vestibule: entry=", "strangers: entry="

# Words that the kernel refuses; each came from somebody's keyboard.  -> what the log must hold
TYPED = {"no-value": ("bench", r"\bbench\b"), "capital": ("Tests=kernel", r"Tests"),
         "option": ("--help", r"--help"), "wildcard": ("*", r"\*")}


def make_iso(directory: Path, out: str, kernel: bytes) -> Path:
    """An ISO as `make iso` makes it, of @kernel."""
    elf, iso = directory / "kernel.elf", directory / out
    elf.write_bytes(kernel)
    command = [sys.executable, ROOT / "tools" / "mkiso.py", elf, paths.build() / "archive.tar", iso]
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "OBJCOPY": cross() + "objcopy"})
    return iso


def other_image(directory: Path) -> Path:
    """An image that differs from the shipped one in what its kernel says first."""
    kernel = paths.kernel().read_bytes()
    if kernel.count(OURS.encode()) != 1:
        raise Failed(f"the kernel holds '{OURS}' {kernel.count(OURS.encode())} times, not once")
    return make_iso(directory, "other.iso", kernel.replace(OURS.encode(), OTHERS.encode()))


def drive(number: int, iso: Path) -> str:
    return f"if=none,id=m{number},readonly=on,format=raw,file={str(iso).replace(',', ',,')}"


def disc(number: int, iso: Path) -> list[str]:
    """@iso as a CD; the lower the number, the sooner the firmware tries it."""
    return ["-drive", f"media=cdrom,{drive(number, iso)}",
            "-device", f"ide-cd,drive=m{number},bus=ide.{number},bootindex={number}"]


def disk(number: int, iso: Path) -> list[str]:
    """@iso as it lies on a stick, hybrid as it is."""
    return ["-drive", drive(number, iso),
            "-device", f"virtio-blk-pci,drive=m{number},bootindex={number}"]


class Attached(Boot):
    """A boot from the first of the media in @extra."""

    def medium(self) -> list[str]:
        return self.ovmf() if self.mode == "iso-uefi" else []


def own_kernel(mode: str, first, second) -> None:
    """Of two media the one that the firmware boots brings the kernel, in both orders."""
    with tempfile.TemporaryDirectory(prefix="media-") as tmp:
        images = [(paths.iso(), OURS), (other_image(Path(tmp)), OTHERS)]
        for (booted, greeting), (attached, _) in (images, images[::-1]):
            outcome = Attached(mode=mode, what=f"media-{mode}-{first.__name__}", until=": entry=",
                               extra=NO_MENU + first(1, booted) + second(2, attached)).run()
            expect(outcome, "reached")
            if greeting not in outcome.text:
                raise Failed(f"{booted.name} was booted, the kernel came from {attached.name}",
                             report(outcome))


def own_kernel_check(mode: str, first, second) -> Check:
    name = f"media.{mode}-{first.__name__}-before-{second.__name__}"
    return Check(name, lambda: own_kernel(mode, first, second))


def typed_check(name: str, words: str, pattern: str, mode: str = "iso-bios") -> Check:
    def run() -> None:
        expect(
            Boot(words, mode=mode, what=f"typed-{name}-{mode}").run(), "usage", pattern,
            r"entry=.*tests=")
    return Check(f"cmdline.typed-{name}-{mode}", run)


def serial_number() -> None:
    """A factory's serial number is no command line, so the menu comes and its default boots;
    key=value is one."""
    for serial, pattern in (("PF0-ABC 12", r": entry=.*\(the default\)"), (f"entry={LAST}",
                                                                           f": entry={LAST}:")):
        extra = ["-smbios", f"type=1,manufacturer=Acme,serial={serial}"]
        boot = Boot("", mode="iso-bios", what="serial-number", until=WELCOME, extra=extra)
        expect(boot.run(), "reached", pattern)


def checks() -> list[Check]:
    found = [own_kernel_check("iso-bios", disc, disk), own_kernel_check("iso-bios", disk, disc),
             own_kernel_check("iso-uefi", disc, disk)]
    found += [typed_check(name, *case) for name, case in TYPED.items()]
    found.append(typed_check("no-value", *TYPED["no-value"], mode="iso-uefi"))
    return found + [Check("cmdline.serial-number", serial_number)]
