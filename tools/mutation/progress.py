# SPDX-License-Identifier: MIT
"""A line from time to time that says how far a long run has come."""
import time


class Progress:
    """A line from time to time: how far, how fast, how long still."""

    def __init__(self, name, things, total, done):
        self.name, self.things, self.total, self.done = name, things, total, done
        self.here = self.killed = 0
        self.start = self.shown = time.monotonic()

    def step(self, row):
        self.here += 1
        self.killed += row["killed_by"] is not None
        now = time.monotonic()
        if now - self.shown > 10 or self.here + self.done == self.total:
            self.shown = now
            rate = self.here / (now - self.start)
            print("# %s: %d of %d %s, %d of the last %d killed, %.1f a second, %.0f min left" %
                  (self.name, self.done + self.here, self.total, self.things, self.killed,
                   self.here, rate, (self.total - self.done - self.here) / rate / 60),
                  flush=True)
