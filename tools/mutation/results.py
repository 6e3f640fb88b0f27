# SPDX-License-Identifier: MIT
"""What was found so far, on disk: one JSON line per mutant, so that an interrupted run goes on
where it was."""
import json
from pathlib import Path


def of_instruction(row):
    """What an instruction's row is found by."""
    return row["address"], row["data"]


class Results:
    """Rows of one image, found by what @key makes of them; rows of other images stay in the file
    and are ignored."""

    def __init__(self, path, image, key=of_instruction):
        self.path, self.image, self.key = Path(path), image, key
        self.rows = {}          # key -> row
        text = self.path.read_text() if self.path.exists() else ""
        if text and not text.endswith("\n"):        # cut short by an interruption
            text = text[:text.rfind("\n") + 1]
            self.path.write_text(text)
        for line in text.splitlines():
            row = json.loads(line)
            if row.get("image") == image:
                self._take(row)

    def _take(self, row):
        self.rows[self.key(row)] = row

    def find(self, insn):
        """The row of a mutant, or None."""
        return self.rows.get(("%#x" % insn.address, insn.data.hex()))

    def add(self, row):
        """Keep a row. One that continues an earlier one holds what both tried."""
        earlier = self.rows.get(self.key(row), {"tried": []})
        row = {"image": self.image, **row}
        row["tried"] = earlier["tried"] + [t for t in row["tried"] if t not in earlier["tried"]]
        self._take(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")


def remaining(row, killers):
    """Which of @killers, those that can notice something, are still to be tried on the mutant with
    @row."""
    if row is None:
        return list(killers)
    if row["killed_by"] is not None:
        return []
    return [k for k in killers if k.title not in row["tried"]]
