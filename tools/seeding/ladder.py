# SPDX-License-Identifier: MIT
"""The tests that must notice a planted bug, cheap ones first: each a step, written as one word.

    host.test_x              a host unit test
    proof                    the proof of the entry text
    [DESIGN/]NAME[:CPUS][:icount]   a boot with tests=NAME: kernel, user, smp, a test program, or a
                                    pair of the
                             race sweep, as races-join-wake
    anything else            checks of `make test`, all whose name contains it
"""
import re
from dataclasses import dataclass
from pathlib import Path

from lib.designs import designs

DESIGNS = [d.name for d in designs()]
LAST, OTHERS = DESIGNS[-1], DESIGNS[:-1]
LANES = re.compile(r"(kernel|user|smp|(fire|torture|races)(-[a-z0-9_-]+)?|test_\w+)")
BOOT = re.compile(rf"(?:({'|'.join(map(re.escape, DESIGNS))})/)?([\w-]+?)(?::(\d+))?(:icount)?")

# After what the patch names; between the first and the second the host tests of what was touched.
# Then, where the cheap ones are not asked for alone, each test program; the long ones last and by
# the host's clock, for under icount a thread that runs until its turn ends takes minutes.
NEAR = ["kernel:icount", "kernel:4:icount"]
LONG = ["test_abuse_stack", "test_limits", "test_lifetimes", "test_bystander"]
WIDE = [
    "proof", "parsers", "kernel:4", "hardening", "lastwords", f"{LAST}.says",
    *(f"{d}/kernel" for d in OTHERS), f"{LAST}.kernel-qemu64", "user:4", f"{LAST}.work",
    f"{LAST}.sysret", f"{LAST}.nmi", f"{LAST}.body", f"{LAST}.panic", f"{LAST}.audit", "mixed",
    "cmdline", "early", "machines", f"{LAST}.irqs-off", f"{LAST}.fire", f"{LAST}.hang",
    "smp:4:icount", f"{LAST}.smp-torture", f"{LAST}.same-figures", f"{LAST}.meltdown",
    f"{LAST}.user-qemu64",
    *(f"{d}/kernel:4" for d in OTHERS), *(f"{d}/user:4" for d in OTHERS)
]
NEEDS_ISO = re.compile(r"cmdline|machines|iso|media|early|image")


@dataclass(frozen=True)
class Step:
    title: str              # the word
    kind: str               # "proof", "boot" or "check"
    design: str = ""
    name: str = ""
    cpus: int = 1
    icount: bool = False

    @property
    def repeats(self) -> bool:
        """Does it come out the same each time?"""
        return self.icount or self.kind == "proof" or self.title.startswith("host.")


def step(word: str) -> Step:
    """What @word stands for."""
    if word == "proof":
        return Step(word, "proof")
    found = BOOT.fullmatch(word)
    if not found or not LANES.fullmatch(found[2]):
        return Step(word, "check", name=word)
    return Step(word, "boot", found[1] or LAST, found[2], int(found[3] or 1), bool(found[4]))


def completed(word: str, root: Path) -> str:
    """A hint as people write it: the name of a host test may lack its `host.`."""
    name = word.partition(":")[0].rpartition("/")[2]
    if (root / "tests" / "user" / f"{name}.c").exists():
        return word
    return f"host.{word}" if list((root / "tests" / "host").glob(f"{word}.*")) else word


class HostTests:
    """Which host unit tests compile which files."""

    def __init__(self, root: Path):
        self.root, self.known = root, {}
        self.files = {
            f"host.{t.stem}": self.compiled(t)
            for t in sorted((root / "tests" / "host").glob("test_*.c"))
        }

    def included(self, name: str) -> set[str]:
        """Files that @name includes by their path from the root, or from its own folder."""
        if name not in self.known:
            path = self.root / name
            words = re.findall(r'^#include "(\S+)"', path.read_text(), re.M)
            near = [str((Path(name).parent / w)) for w in words]
            self.known[name] = {w for w in words + near if (self.root / w).is_file()}
        return self.known[name]

    def compiled(self, test: Path) -> set[str]:
        head = re.search(r"/\* sources: (.*?) ?\*/", test.read_text(), re.S)
        todo, seen = [str(test.relative_to(self.root)), *(head[1].split() if head else [])], set()
        while todo:
            name = todo.pop()
            if name not in seen and (self.root / name).is_file():
                seen.add(name)
                todo += self.included(name)
        return seen

    def of(self, files) -> list[str]:
        return [name for name, used in self.files.items() if used & set(files)]


def programs(root: Path) -> list[str]:
    """The test programs, each a boot of its own: the first that fails ends the climb."""
    names = sorted(p.stem for p in (root / "tests" / "user").glob("test_*.c"))
    cpus = {n: ":4" if n.startswith("test_smp_") else "" for n in names}
    return [f"{n}{cpus[n]}:icount" for n in names if n not in LONG] + LONG


def steps(patch, host: HostTests, known: str = "", near: bool = False) -> list[Step]:
    """All for @patch, in order; @known killed it before. @near: the cheap ones only."""
    words = [known] if known else []
    words += [completed(word, host.root) for word in patch.tests]
    words += NEAR[:1] + host.of(patch.files) + NEAR[1:]
    words += [] if near else programs(host.root) + WIDE
    return [step(word) for word in dict.fromkeys(words)]
