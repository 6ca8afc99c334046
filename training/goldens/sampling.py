"""Writes the goldens of what needs no model: scores, scales by budget, compressed tokens and kept tokens."""

import json
from pathlib import Path

import numpy as np
import torch

from ..samplers.budget import local_budget, search_price
from ..samplers.density import density_scores
from ..samplers.feature_map import FeatureMap
from ..samplers.layout import block_grid, compressed
from ..samplers.settings import SamplerSettings, default_pooling
from ..samplers.text_guided import keep_by_ratio, keep_by_share
from ..samplers.vision_guided import VisionGuidedSampler
from .arrays import ArrayWriter

CHANNELS = 32
BUDGETS = [0.1, 0.25, 0.39, 0.7, 0.95, 1.0]
SCALES = (1, 2, 4)
# Name, map (rows, columns), overview (rows, columns). No map: one tile, whose grid is sampled itself.
MAPS = [("tile", None, (24, 24)), ("ragged-tile", None, (5, 7)), ("one-block", None, (4, 4)), ("strip", None, (1, 6)),
        ("tiled", (12, 9), (5, 5)), ("tiled-square", (8, 8), (4, 4)), ("tiled-thin", (1, 6), (3, 3)),
        ("empty-map", (3, 0), (5, 5))]


def write_sampling(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = ArrayWriter()
    golden = {
        "arrays": "sampling.bin",
        "maps": [golden_map(arrays, index, *sizes) for index, sizes in enumerate(MAPS)],
        "selections": golden_kept(arrays),
    }
    (folder / "sampling.bin").write_bytes(arrays.content)
    (folder / "sampling.json").write_text(json.dumps(golden, indent=1) + "\n")


def golden_map(arrays: ArrayWriter, index: int, name: str, size: tuple[int, int] | None,
               overview: tuple[int, int]) -> dict:
    generator = np.random.Generator(np.random.Philox(200 + index))
    local = None if size is None else uneven_map(generator, *size)
    image = FeatureMap(uneven_map(generator, *overview), local)
    blocks = block_grid(image, SamplerSettings())
    logits = generator.standard_normal((blocks.rows, blocks.columns, len(SCALES)), dtype=np.float32)
    logits[0, 0] = logits[0, 0, 0]  # a tie, which goes to the finest
    samplings = [sampling(arrays, image, logits, kind, budget)
                 for kind, budgets in (("density", BUDGETS), ("learned", [None, *BUDGETS])) for budget in budgets]
    return {
        "name": name, "map": None if local is None else arrays.add(local.numpy()),
        "overview": arrays.add(image.overview.numpy()), "encoded": image.encoded, "newlines": image.newlines,
        "scores": arrays.add(density_scores(image.sampled, blocks.size, SCALES)), "logits": arrays.add(logits),
        "samplings": samplings,
    }


def uneven_map(generator: np.random.Generator, rows: int, columns: int) -> torch.Tensor:
    """`[rows, columns, CHANNELS]`: patches of one direction each under noise that grows to the right, some of them
    without noise, so that tokens are equal, and one token of zeros."""
    coarse = generator.standard_normal((rows // 3 + 1, columns // 3 + 1, CHANNELS), dtype=np.float32)
    patches = coarse.repeat(3, 0).repeat(3, 1)[:rows, :columns]
    noise = generator.standard_normal(patches.shape, dtype=np.float32)
    strength = np.linspace(0, 1, max(columns, 1), dtype=np.float32)[:columns] ** 2
    values = (1 + 4 * coarse[0, 0]) / 4 + patches * strength[:, None] + noise * strength[:, None]
    if rows > 4 and columns > 4:
        values[1, 2] = 0
    return torch.from_numpy(values.astype(np.float32))


def sampling(arrays: ArrayWriter, image: FeatureMap, logits: np.ndarray, kind: str, budget: float | None) -> dict:
    settings = SamplerSettings(kind, default_pooling(kind))
    is_learned = kind == "learned"
    chooser = VisionGuidedSampler(settings, torch.nn.Identity() if is_learned else None)  # the logits are given
    choice = chooser.choose(image, torch.from_numpy(logits) if is_learned else None, budget)
    found = {"router": kind, "budget": budget,
             "local_budget": None if budget is None else local_budget(image, settings.overview_scale, budget),
             "scales": np.array(SCALES)[choice].tolist()}
    if is_learned and budget is not None and budget < 1:
        found["price"] = search_price(logits, block_grid(image, settings), found["local_budget"])
    result = compressed(image, choice, settings)
    found |= {"pooling": settings.pooling, "overview_tokens": result.overview_tokens, "newlines": result.newlines,
              "token_count": len(result.tokens)}
    if budget in (None, 0.39):
        found["tokens"] = arrays.add(result.tokens.numpy())
    return found


def golden_kept(arrays: ArrayWriter) -> list[dict]:
    generator = np.random.Generator(np.random.Philox(300))
    tied = generator.integers(1, 5, 21).astype(np.float32) / np.float32(64)
    drawn = generator.standard_normal(50, dtype=np.float32) ** 2
    importances = [tied, drawn, np.full(8, 0.125, np.float32), np.float32([0.5, 0, 0, 0.25]), np.zeros(5, np.float32),
                   np.float32([0.3])]
    found = []
    for values in importances:
        place, scores = arrays.add(values), torch.from_numpy(values)
        for ratio in (0.1, 0.5, 0.75, 1.0):
            found.append({"importance": place, "ratio": ratio, "kept": keep_by_ratio(scores, ratio).tolist()})
        for share in (0.25, 0.8, 1.0):
            found.append({"importance": place, "share": share, "kept": keep_by_share(scores, share).tolist()})
    return found
