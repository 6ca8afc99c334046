"""What could not be used of the data: counted under a name, shown at first, and never the end of a run."""

import sys
from collections import Counter

SHOWN = 3  # of each kind


class Skipped:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._seen: set[tuple[str, str]] = set()  # an image comes again in each epoch

    def add(self, kind: str, what: str) -> None:
        if (kind, what) in self._seen:
            return
        self._seen.add((kind, what))
        self.counts[kind] += 1
        if self.counts[kind] <= SHOWN:
            more = "; more of these are counted only" if self.counts[kind] == SHOWN else ""
            print(f"warning: skipped {what}: {kind}{more}", file=sys.stderr, flush=True)

    def __str__(self) -> str:
        return ", ".join(f"{count} × {kind}" for kind, count in sorted(self.counts.items())) or "nothing"
