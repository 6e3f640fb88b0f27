# SPDX-License-Identifier: MIT
"""A worker's own build directory: a kernel file in which one instruction can be blanked and put
back."""
import hashlib
import os
import shutil
from pathlib import Path

from lib.elf import Elf, opened

NOP = 0x90
SHARED = ("archive.tar", "vestibule.iso", "gen")    # what boots and checks want besides the kernel


def image_hash(build):
    """Hex SHA-256 of what is booted: what a loader takes of the kernel, and the boot archive."""
    kernel = opened(Path(build) / "vestibule.elf")
    loaded = b"".join(kernel.read(address, size) for address, _, size in kernel.segments)
    return hashlib.sha256(loaded + (Path(build) / "archive.tar").read_bytes()).hexdigest()


def file_offset(elf, address):
    """Where in the file the byte at the virtual @address lies."""
    for va, offset, size in elf.segments:
        if va <= address < va + size:
            return offset + address - va
    raise ValueError("%#x lies in no segment of the file" % address)


class Copy:
    """@directory becomes a build directory like @build, with a kernel of its own."""

    def __init__(self, build, directory):
        self.directory = Path(directory)
        self.kernel = self.directory / "vestibule.elf"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        shutil.copyfile(Path(build) / "vestibule.elf", self.kernel)
        for name in SHARED:
            if (Path(build) / name).exists():
                os.symlink((Path(build) / name).resolve(), self.directory / name)
        proof = Path(build) / "proof.json"
        if proof.exists():
            shutil.copy(proof, self.directory)      # a killer writes it
        self.elf = Elf(self.kernel)

    def mutated(self, address, data):
        """A context in which the instruction @data at @address is NOPs."""
        return _Mutation(self, file_offset(self.elf, address), data)


class _Mutation:
    def __init__(self, copy, offset, data):
        self.copy, self.offset, self.data = copy, offset, data

    def _write(self, expected, data):
        with open(self.copy.kernel, "r+b") as f:
            f.seek(self.offset)
            if f.read(len(expected)) != expected:
                raise ValueError("the kernel file holds something else at offset %#x" % self.offset)
            f.seek(self.offset)
            f.write(data)

    def __enter__(self):
        self._write(self.data, bytes([NOP]) * len(self.data))

    def __exit__(self, *_):
        self._write(bytes([NOP]) * len(self.data), self.data)
