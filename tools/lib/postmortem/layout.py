# SPDX-License-Identifier: MIT
"""Where the fields of the kernel's structures lie: from its debug information, through gdb."""
import json
import shutil
import subprocess

# Runs inside gdb. A type that is not there is left out; whoever asks for it gets a KeyError with
# its name.
SCRIPT = """
import gdb, json
def lookup(name):
    try:
        return gdb.lookup_type(name)
    except gdb.error:
        return None
def structure(t):
    return {f.name: [f.bitpos // 8, f.type.strip_typedefs().sizeof] for f in t.fields() if f.name}
def names(t):
    return {f.enumval: f.name for f in t.fields()}
structs = {n: lookup(n) for n in %s}
enums = {n: lookup(n) for n in %s}
print("LAYOUT", json.dumps({
    "structs": {n: structure(t) for n, t in structs.items() if t},
    "sizes": {n: t.sizeof for n, t in structs.items() if t},
    "enums": {n: names(t) for n, t in enums.items() if t}}))
"""
SECONDS = 60


class LayoutError(Exception):
    """Nothing can be said about structures; the text says why."""


class Layout:
    """structs: {"struct s": {field: [offset, size]}}; sizes: {"struct s": bytes}; enums: {"enum e":
    {value: name}}."""

    def __init__(self, kernel, structs, enums):
        if not shutil.which("gdb"):
            raise LayoutError("gdb is not installed, which knows the kernel's structures")
        command = [
            "gdb", "-nx", "-q", "-batch", "-ex",
            "python exec(%r)" % (SCRIPT % (json.dumps(structs), json.dumps(enums))),
            str(kernel)
        ]
        try:
            done = subprocess.run(command,
                                  capture_output=True,
                                  text=True,
                                  timeout=SECONDS,
                                  check=False,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise LayoutError("gdb does not answer") from None
        lines = [line for line in done.stdout.splitlines() if line.startswith("LAYOUT ")]
        if not lines:
            raise LayoutError("gdb (with Python?) says nothing about %s: %s" %
                              (kernel, done.stderr.strip()[-200:]))
        found = json.loads(lines[0].split(" ", 1)[1])
        self.structs, self.sizes = found["structs"], found["sizes"]
        self.enums = {n: {int(v): name for v, name in e.items()} for n, e in found["enums"].items()}

    def field(self, struct, name):
        """(offset, size); KeyError names what the kernel has no more."""
        if name not in self.structs.get(struct, {}):
            raise KeyError("%s has no field %s" % (struct, name))
        return self.structs[struct][name]
