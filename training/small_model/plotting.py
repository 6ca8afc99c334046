"""Curves of a run, from its log."""

from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  the drawing backend has to be chosen first

from .saved import read_log  # noqa: E402

PANELS = {"loss": ("loss", "answer", "dense", "attention", "patch place", "row place", "named place",
                   "asked place", "detail"),
          "share that is right": ("right", "position", "count", "reading", "character", "shape", "colour", "agreement",
                                   "tokens")}


def plot_log(folder: Path, picture: Path) -> None:
    stages: dict[str, list[dict]] = defaultdict(list)
    for line in read_log(folder):
        stages[line["stage"]].append(line)
    if not stages:
        raise SystemExit(f"error: {folder}/log.jsonl holds nothing yet: train first")
    figure, axes = pyplot.subplots(len(PANELS), len(stages), figsize=(4.5 * len(stages), 6), squeeze=False)
    for column, (stage, lines) in enumerate(stages.items()):
        for row, (title, names) in enumerate(PANELS.items()):
            axis = axes[row][column]
            for name in names:
                points = [(line["images"], line[name]) for line in lines if name in line]
                if points:
                    axis.plot(*zip(*points), label=name)
            axis.set(xlabel="images", title=f"{stage}: {title}")
            if row == 1:
                axis.set_ylim(0, 1)
            axis.legend(fontsize="small")
            axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(picture, dpi=80)
