"""Writes the engine's goldens: tiny GGUF pairs and what Hugging Face computes with the same weights in float32."""

import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText
from transformers.models.llava_next.modeling_llava_next import get_anyres_image_grid_shape

from .. import vocabulary
from ..checkpoint import write_checkpoint
from ..gguf_files import write_language, write_vision
from ..samplers.feature_map import feature_maps
from ..samplers.prompt_rows import image_rows
from ..shapes import Shape
from ..weights import random_values
from .arrays import ArrayWriter
from .cases import CASES, SEED, Case
from .compression import golden_compressions, write_samplers
from .selection import CHOICES, golden_selections

ANSWER_TOKENS = 32


def write_engine(folder: Path) -> None:
    for case in CASES:
        write_case(folder / case.name, case)


def write_case(folder: Path, case: Case) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shape = case.sizes
    tokens, values = vocabulary.small(case.architecture, shape.language.vocabulary), random_values(SEED)
    if case.language_of is None:
        write_language(folder / "language.gguf", shape, tokens, "F32", values)
    if case.vision_of is None:
        write_vision(folder / "vision.gguf", shape, "F32", values, case.legacy_names, case.names_feature_layer)
    with tempfile.TemporaryDirectory() as checkpoint:
        write_checkpoint(Path(checkpoint), shape, tokens, values)
        model = AutoModelForImageTextToText.from_pretrained(checkpoint, attn_implementation="eager",
                                                            dtype=torch.float32).eval()
    arrays = ArrayWriter()
    samplers = write_samplers(folder, folder / "vision.gguf", shape) if case.is_compressed else None
    golden = {
        "case": case.name, "about": case.about,
        "language": f"../{case.language_of}/language.gguf" if case.language_of else "language.gguf",
        "vision": f"../{case.vision_of}/vision.gguf" if case.vision_of else "vision.gguf",
        "arrays": "golden.bin",
        "runs": [golden_run(model, samplers, shape, arrays, index, image)
                 for index, image in enumerate(case.images)],
    }
    (folder / "golden.bin").write_bytes(arrays.content)
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


@torch.no_grad()
def golden_run(model, samplers: dict | None, shape: Shape, arrays: ArrayWriter, index: int,
               image: tuple[str, int, int]) -> dict:
    name, width, height = image
    rows, columns = tile_grid(shape, height, width)
    pixels = smooth_tiles(1 + rows * columns, shape.vision.tile, seed=100 + index)  # [tile, row, column, channel]
    inputs = model_inputs(shape, pixels, height, width)
    tiles = inputs["pixel_values"].reshape(-1, 3, shape.vision.tile, shape.vision.tile)
    features = feature_maps(model, [tiles], [(height, width)])[0]
    ours = image_rows(model, features.tokens, features.newlines)
    torch.testing.assert_close(ours.rows, hugging_face_rows(model, inputs), rtol=1e-4, atol=1e-4)

    prompt = token_prompt(shape, index)
    logits, greedy = answer(model, prompt, len(ours.rows), inputs)
    top = logits.topk(2, dim=-1)
    golden = {
        "name": name,
        "image": {"pixels": arrays.add(pixels), "grid": {"columns": columns, "rows": rows},
                  "original_size": {"width": width, "height": height}},
        "map": {"columns": features.map_size[1], "rows": features.map_size[0]},
        "newlines": features.newlines,
        "features": arrays.add(features.tokens.numpy()),
        "image_rows": arrays.add(ours.rows.numpy()),
        "prompt": prompt,
        "last_logits": arrays.add(logits[-1].numpy()),
        "argmax": top.indices[:, 0].tolist(),
        "argmax_margins": arrays.add((top.values[:, 0] - top.values[:, 1]).numpy()),
        "greedy": greedy[0],
        "greedy_margins": arrays.add(np.array(greedy[1], np.float32)),
    } | golden_selections(model, arrays, prompt, ours, CHOICES)
    if samplers:
        golden["compressions"] = golden_compressions(model, samplers, features, arrays, prompt)
    return golden


def tile_grid(shape: Shape, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of tiles without the overview; 0 by 0 for a one-tile model."""
    if not shape.grids:
        return 0, 0
    rows, columns = get_anyres_image_grid_shape((height, width), shape.pinpoints, shape.vision.tile)
    return int(rows), int(columns)


def smooth_tiles(count: int, side: int, seed: int) -> np.ndarray:
    generator = np.random.Generator(np.random.Philox(seed))
    coarse = generator.integers(0, 256, (count, 7, 7, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(tile).resize((side, side), Image.Resampling.BICUBIC))
                     for tile in coarse])


def model_inputs(shape: Shape, pixels: np.ndarray, height: int, width: int) -> dict:
    mean, deviation = (np.array(value, np.float32) for value in (shape.vision.mean, shape.vision.deviation))
    normalised = (pixels.astype(np.float32) / np.float32(255) - mean) / deviation
    tiles = torch.from_numpy(normalised.transpose(0, 3, 1, 2).copy())  # [tile, channel, row, column]
    if not shape.grids:
        return {"pixel_values": tiles}
    return {"pixel_values": tiles[None], "image_sizes": torch.tensor([[height, width]])}


def hugging_face_rows(model, inputs: dict) -> torch.Tensor:
    return model.model.get_image_features(**inputs, return_dict=True).pooler_output[0]


def token_prompt(shape: Shape, index: int) -> dict[str, list[int]]:
    """Fixed ids: before the image, the question after it, and the template's end."""
    step = lambda start, count: [300 + (start * 37 + index * 11 + i * 53) % 300 for i in range(count)]
    first = [1] if shape.language.architecture == "llama" else []
    return {"before": first + step(1, 5), "question": step(2, 9), "after": step(3, 4)}


def answer(model, prompt: dict, image_rows: int, inputs: dict) -> tuple[torch.Tensor, tuple[list[int], list[float]]]:
    """Logits `[row, V]` of the prompt, and the greedy answer with each token's lead over the next best."""
    image = [model.config.image_token_index] * image_rows
    ids = prompt["before"] + image + prompt["question"] + prompt["after"]
    first, chosen, leads = None, [], []
    while len(chosen) < ANSWER_TOKENS:  # without a cache, so that none can be wrong
        logits = model(input_ids=torch.tensor([ids + chosen]), use_cache=False, **inputs).logits[0]
        first = logits if first is None else first
        best = logits[-1].topk(2)
        chosen.append(int(best.indices[0]))
        leads.append(float(best.values[0] - best.values[1]))
    return first, (chosen, leads)
