# SPDX-License-Identifier: MIT
"""proofbuild.py - the kernel with a change in entry/, built beside the real one, and what the
proof says of it.

The commands are make's own: it is asked what it would run, and source and output are replaced.
"""
import contextlib
import functools
import io
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib import paths
from lib.designs import designs, shared_text
from lib.paths import ROOT

DEPENDENCIES = {"-MMD", "-MP", "-MD"}


def run(command, **more):
    return subprocess.run(command,
                          cwd=ROOT,
                          capture_output=True,
                          text=True,
                          timeout=60,
                          check=False,
                          **more)


@functools.lru_cache(None)
def command_for(target, changed):
    """The command by which make would build @target, were @changed new."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = run(["make", "-n", "TOOLS_READY=yes", f"BUILD={paths.build()}", "-W", changed, target],
               env=env)
    for line in done.stdout.splitlines():
        words = shlex.split(line) if f"-o {target}" in line or "pass1.elf " in line else []
        if "-o" in words and not line.startswith("mkdir"):
            return words
    raise AssertionError(f"make does not say how it builds {target}:\n{done.stdout}{done.stderr}")


def without_dependencies(words):
    out, skip = [], False
    for word in words:
        if not skip and word not in DEPENDENCIES:
            out.append(word)
        skip = word == "-MD" and not skip and "nasm" in words[0]
    return out


class Variant:
    """A copy of entry/ in which @edits {file name: function of its text} are made. @flags: of its C
    files."""

    def __init__(self, design, edits, flags=()):
        self.design, self.edits, self.flags = design, edits, flags

    def __enter__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="proof-"))
        self.kernel = self.dir / "kernel.elf"
        shutil.copytree(ROOT / "entry", self.dir / "entry")
        for name, edit in self.edits.items():
            path = self.dir / "entry" / name
            old = path.read_text()
            new = edit(old)
            assert new != old, f"the edit of {name} finds nothing to change"
            path.write_text(new)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def changed(self):
        """The files to compile: the design's, and what its kind shares where all include it."""
        shared = shared_text(self.design)
        if any(name.endswith((".c", ".h")) for name in self.edits):
            yield f"{self.design.name}.c"
        if any(name.endswith(".inc") or name == f"{self.design.name}.asm" for name in self.edits):
            yield f"{self.design.name}.asm"
        if any(name.endswith(".inc") or name == f"{shared}.asm" for name in self.edits):
            yield f"{shared}.asm"

    def build(self):
        """Compile what is changed from the copy, and link it with everybody else's objects."""
        link = list(command_for(f"{paths.build()}/vestibule.elf", "linker.ld"))
        for name in self.changed():
            target, out = f"{paths.build()}/kernel/entry/{name}.o", f"{self.dir}/{name}.o"
            in_c = name.endswith(".c")
            words = without_dependencies(command_for(target, f"entry/{name}"))
            words[words.index("-o") + 1] = out
            words[words.index(f"entry/{name}")] = f"{self.dir}/entry/{name}"
            words[1:1] = ["-I", f"{self.dir}/"] + ([] if in_c else ["-I", f"{self.dir}/entry/"])
            self.call(words + (list(self.flags) if in_c else []))
            link[link.index(target)] = out
        link[link.index("-o") + 1] = str(self.kernel)
        # What a library would have, were there one.
        self.call(link + ["--defsym", "__stack_chk_fail=panic"])
        return self

    @staticmethod
    def call(words):
        done = run(words)
        assert not done.returncode, f"{shlex.join(words)}:\n{done.stdout}{done.stderr}"

    def proof(self, kernel=None, every=False):
        """(status, what tools/prove.py prints) of this design, or of every one."""
        import prove            # not above: without capstone these tests are skipped
        said = io.StringIO()
        constants = ROOT / paths.build() / "gen" / "constants.json"
        with contextlib.redirect_stdout(said):
            status = prove.main([
                "--kernel",
                str(ROOT / (kernel or self.kernel)), "--constants",
                str(constants), "--entry",
                str(self.dir / "entry"), *([] if every else ["--design", self.design.name])
            ])
        return status, said.getvalue()


# --- which design a change can be made in: by what its files hold, not by its name
# -------------------------

HANDLER = re.compile(r'ENTRY_TEXT\("[\w-]+"\) \S+ (\w+)\(struct trapframe \*frame\)\n\{')


def text_of(design, suffix):
    return (ROOT / "entry" / f"{design.name}.{suffix}").read_text()


def with_c_handler():
    """(design, name of its first C handler): one that flips in C with its frame at hand."""
    for design in designs():
        found = HANDLER.search(text_of(design, "c"))
        if found:
            return design, found[1]
    raise AssertionError("no design flips in C")


def with_flip_in_assembly():
    return next(d for d in designs() if re.search(r"^\tFLIP_IN", text_of(d, "asm"), re.M))
