"""Writes LLaVA-NeXT's image geometry, as Hugging Face transformers computes it, for many image sizes.

    python training/goldens/anyres.py Tests/TokenSamplingTests/Fixtures/anyres.json

One row for each size and set of pinpoints; sizes are (width, height), regions are half-open token ranges.
"""

import json
import random
import sys

import numpy as np
import torch
import transformers
from transformers.image_processing_utils import get_patch_output_size, select_best_resolution
from transformers.image_utils import ChannelDimension
from transformers.models.llava_next.modeling_llava_next import unpad_image

TILE, PATCH = 336, 14
# (height, width), as the model's configuration has them.
PINPOINTS = {
    "next": [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]],
    "wide": [[336 * rows, 336 * columns] for rows in range(1, 7) for columns in range(1, 7)],
}


def sizes() -> list[tuple[int, int]]:
    edges = [(1, 1), (1, 65000), (65000, 1), (336, 336), (672, 672), (335, 337), (672, 336), (1008, 336)]
    generator = random.Random(0)
    near = [(generator.randint(1, 40), generator.randint(1, 40)) for _ in range(40)]
    usual = [(generator.randint(50, 5000), generator.randint(50, 5000)) for _ in range(200)]
    # Scales that land on whole tokens, where rounding decides.
    exact = [(48 * generator.randint(1, 90), 24 * generator.randint(1, 90)) for _ in range(60)]
    return edges + near + usual + exact


def row(width: int, height: int, pinpoints: list[list[int]]) -> list[int]:
    best = select_best_resolution((height, width), pinpoints)
    # A view of one value: only its shape is read.
    image = np.broadcast_to(np.zeros((1, 1, 1), dtype=np.uint8), (3, height, width))
    fitted_height, fitted_width = get_patch_output_size(image, best, ChannelDimension.FIRST)
    rows, columns = best[0] // PATCH, best[1] // PATCH
    token = torch.arange(rows * columns).view(1, rows, columns)
    kept = unpad_image(token, (height, width))[0]
    if kept.numel() > 0:
        top, left = divmod(int(kept[0, 0]), columns)
    else:
        top, left = (rows - kept.shape[0]) // 2, (columns - kept.shape[1]) // 2
    region = [left, left + kept.shape[1], top, top + kept.shape[0]]
    # Overview, map, and one newline a row.
    tokens = (TILE // PATCH) ** 2 + kept.shape[0] * (kept.shape[1] + 1)
    return [width, height, best[1], best[0], fitted_width, fitted_height, *region, tokens]


def main() -> None:
    golden = {
        "transformers": transformers.__version__,
        "pinpoints": {name: [[w, h] for h, w in values] for name, values in PINPOINTS.items()},
        "rows": {name: [row(w, h, values) for w, h in sizes()] for name, values in PINPOINTS.items()},
    }
    with open(sys.argv[1], "w") as file:
        json.dump(golden, file, separators=(",", ":"))


main()
