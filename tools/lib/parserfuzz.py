# SPDX-License-Identifier: MIT
"""parserfuzz.py - build and run the fuzz harnesses of what the kernel parses (tests/host/fuzz/),
with libFuzzer.

A harness is tests/host/fuzz/fuzz_NAME.c, its committed inputs lie in tests/host/fuzz/corpus/NAME/.
The second line names the kernel's sources.  Only these are instrumented for coverage, so that edges
are the parser's own; the sanitizers watch both.  Nothing is written but to
$BUILD/fuzz-parsers/NAME/.
"""
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import paths
from .paths import ROOT

HARNESSES = ROOT / "tests" / "host" / "fuzz"
CORPORA = HARNESSES / "corpus"
CLANG = os.environ.get("FUZZ_CC", "clang")
FLAGS = ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-DVESTIBULE_HOST", "-I.",
         "-fno-sanitize-recover=all"]
SANITIZERS = "address,undefined"
MAX_INPUT = 4096            # bytes
HANG = 60                   # seconds for one input: only a hang takes that long
OPTIONS = [
    f"-max_len={MAX_INPUT}", f"-timeout={HANG}", "-rss_limit_mb=1024", "-print_final_stats=0"
]


class FuzzError(Exception):
    """@args[0] in one line; @detail: what the tool said."""

    def __init__(self, why: str, detail: str = ""):
        super().__init__(why)
        self.detail = detail.splitlines()


@dataclass(frozen=True)
class Result:
    executions: int
    edges: int
    edges_of: int
    crash: Path | None          # the input that failed
    text: str


def names() -> list[str]:
    return sorted(p.stem.removeprefix("fuzz_") for p in HARNESSES.glob("fuzz_*.c"))


def lacking() -> str:
    """Why nothing can be fuzzed here, or ""."""
    try:
        where = subprocess.run([CLANG, "-print-resource-dir"],
                               capture_output=True,
                               text=True,
                               check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return f"no {CLANG}"
    if not list(Path(where.strip()).glob("lib/*/libclang_rt.fuzzer*")):
        return f"{CLANG} has no libFuzzer (package libclang-rt-dev)"
    return ""


def folder(name: str) -> Path:
    return paths.build().resolve() / "fuzz-parsers" / name


def sources(name: str) -> list[str]:
    second = (HARNESSES / f"fuzz_{name}.c").read_text().splitlines()[1]
    found = re.fullmatch(r"/\* sources: (.*) \*/", second)
    if not found:
        raise FuzzError(f"fuzz_{name}.c: its second line is not /* sources: a.c b.c */")
    return found[1].split()


def call_clang(arguments: list[str], what: str) -> None:
    made = f"-I{paths.build().resolve()}/gen"
    done = subprocess.run([CLANG, *FLAGS, made, *arguments],
                          cwd=ROOT,
                          capture_output=True,
                          text=True,
                          check=False)
    if done.returncode or "warning:" in done.stderr:
        raise FuzzError(f"{what}: does not compile without a warning", done.stderr)


def build(name: str, into: Path, sanitizers: str = SANITIZERS) -> Path:
    """The harness's program."""
    into.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in [f"tests/host/fuzz/fuzz_{name}.c", *sources(name)]:
        objects.append(str(into / (Path(source).name + ".o")))
        watched = sanitizers if source.startswith(
            "tests/") else f"fuzzer-no-link{sanitizers and ','}{sanitizers}"
        call_clang([f"-fsanitize={watched}"] * bool(watched) + ["-c", source, "-o", objects[-1]],
                   source)
    program = into / f"fuzz_{name}"
    call_clang([f"-fsanitize=fuzzer{sanitizers and ','}{sanitizers}", *objects, "-o",
                str(program)], program.name)
    return program


def run(program: Path, *arguments: str, patience: float) -> Result:
    """Run @program with libFuzzer's @arguments; an input that fails is kept beside it."""
    prefix = f"{program.parent}/failed-"
    env = {
        **os.environ, "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0", "UBSAN_OPTIONS":
        "print_stacktrace=1"
    }
    command = [str(program), *OPTIONS, f"-artifact_prefix={prefix}", *arguments]
    try:
        done = subprocess.run(command,
                              cwd=program.parent,
                              env=env,
                              capture_output=True,
                              text=True,
                              errors="replace",
                              timeout=patience,
                              check=False)
    except subprocess.TimeoutExpired:
        raise FuzzError(f"{program.name}: no end after {patience:.0f} s") from None
    text = done.stdout + done.stderr
    crash = re.search(rf"Test unit written to ({re.escape(prefix)}\S+)", text)
    if done.returncode and not crash:
        raise FuzzError(f"{program.name}: status {done.returncode}",
                        "\n".join(text.splitlines()[-30:]))
    return Result(last(r"^#(\d+)\s", text), last(r"\bcov: (\d+)", text),
                  last(r"modules\s+\((\d+) inline", text),
                  Path(crash[1]) if crash else None, text)


def edges(name: str, *corpora: Path) -> tuple[int, int]:
    """(reached, there are) with these inputs.  The sanitizers' own branches, which no input may
    take, are left out."""
    program = build(name, folder(name) / "plain", sanitizers="")
    result = run(program, "-runs=0", *map(str, corpora), patience=HANG)
    return result.edges, result.edges_of


def last(pattern: str, text: str) -> int:
    found = re.findall(pattern, text, re.M)
    return int(found[-1]) if found else 0


def committed(name: str) -> Path:
    """Its inputs in the tree."""
    return CORPORA / name


def told(name: str, result: Result) -> list[str]:
    """What is said about an input that failed."""
    lines = [line for line in result.text.splitlines() if re.search(
        r"does not hold|ERROR: |runtime error|^\s+#\d+ .*(kernel|arch|fuzz_\w+\.c)", line)]
    return [
        f"its input: {result.crash}", f"again: {result.crash.parent}/fuzz_{name} {result.crash}",
        *lines[:20]
    ]
