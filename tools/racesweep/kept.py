# SPDX-License-Identifier: MIT
"""What the boots of a sweep have reported, kept for the same image, so that an interrupted sweep
can go on."""
import json
import threading

from .boots import Swept


def key(job):
    """The same for a job and for what JSON makes of it."""
    return json.dumps(job)


class Kept:
    """@path: one line of JSON for each boot that passed; those of another @image do not count."""

    def __init__(self, path, image):
        self.path, self.image, self.lock = path, image, threading.Lock()
        self.known = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:        # cut short by an interruption
                continue
            if row["image"] == image:
                self.known[key(row["job"])] = row["lines"]

    def find(self, job):
        """The Swept of @job, or None."""
        lines = self.known.get(key(job))
        if lines is None:
            return None
        swept = Swept()
        swept.add("\n".join(lines))
        return swept

    def add(self, job, swept):
        with self.lock:
            self.known[key(job)] = swept.lines
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as f:
                f.write(json.dumps({"image": self.image, "job": job, "lines": swept.lines}) + "\n")
