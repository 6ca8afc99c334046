"""Writes the engine's goldens: tiny GGUF pairs and what Hugging Face computes with the same weights in float32."""

import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText
from transformers.models.llava_next.modeling_llava_next import get_anyres_image_grid_shape, unpad_image

from .. import vocabulary
from ..checkpoint import write_checkpoint
from ..gguf_files import write_language, write_vision
from ..shapes import Shape
from .arrays import ArrayWriter
from .cases import CASES, SEED, Case
from .selection import golden_selections

ANSWER_TOKENS = 32


def write_engine(folder: Path) -> None:
    for case in CASES:
        write_case(folder / case.name, case)


def write_case(folder: Path, case: Case) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shape = case.sizes
    tokens = vocabulary.small(case.architecture, shape.language.vocabulary)
    if case.language_of is None:
        write_language(folder / "language.gguf", shape, tokens, "F32", SEED)
    if case.vision_of is None:
        write_vision(folder / "vision.gguf", shape, "F32", SEED, case.legacy_names, case.names_feature_layer)
    with tempfile.TemporaryDirectory() as checkpoint:
        write_checkpoint(Path(checkpoint), shape, tokens, SEED)
        model = AutoModelForImageTextToText.from_pretrained(checkpoint, attn_implementation="eager",
                                                            dtype=torch.float32).eval()
    arrays = ArrayWriter()
    golden = {
        "case": case.name, "about": case.about,
        "language": f"../{case.language_of}/language.gguf" if case.language_of else "language.gguf",
        "vision": f"../{case.vision_of}/vision.gguf" if case.vision_of else "vision.gguf",
        "arrays": "golden.bin",
        "runs": [golden_run(model, shape, arrays, index, image) for index, image in enumerate(case.images)],
    }
    (folder / "golden.bin").write_bytes(arrays.content)
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


@torch.no_grad()
def golden_run(model, shape: Shape, arrays: ArrayWriter, index: int, image: tuple[str, int, int]) -> dict:
    name, width, height = image
    rows, columns = tile_grid(shape, height, width)
    pixels = smooth_tiles(1 + rows * columns, shape.vision.tile, seed=100 + index)  # [tile, row, column, channel]
    inputs = model_inputs(shape, pixels, height, width)
    features, map_size = stitched_features(model, shape, inputs["pixel_values"], (rows, columns), (height, width))
    image_rows = hugging_face_rows(model, inputs)  # [image rows, D]
    newlines = newline_places(shape, map_size)
    check_rows(model, features, newlines, image_rows)

    prompt = token_prompt(shape, index)
    logits, greedy = answer(model, prompt, image_rows.shape[0], inputs)
    top = logits.topk(2, dim=-1)
    return {
        "name": name,
        "image": {"pixels": arrays.add(pixels), "grid": {"columns": columns, "rows": rows},
                  "original_size": {"width": width, "height": height}},
        "map": {"columns": map_size[1], "rows": map_size[0]},
        "newlines": newlines,
        "features": arrays.add(features.numpy()),
        "image_rows": arrays.add(image_rows.numpy()),
        "prompt": prompt,
        "last_logits": arrays.add(logits[-1].numpy()),
        "argmax": top.indices[:, 0].tolist(),
        "argmax_margins": arrays.add((top.values[:, 0] - top.values[:, 1]).numpy()),
        "greedy": greedy[0],
        "greedy_margins": arrays.add(np.array(greedy[1], np.float32)),
    } | golden_selections(model, arrays, prompt, image_rows, newlines)


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


def stitched_features(model, shape: Shape, pixel_values, grid, original) -> tuple[torch.Tensor, tuple[int, int]]:
    """Features `[tokens, C]` before the projector, overview first, and the unpadded map's (rows, columns)."""
    side = shape.vision.tile
    tower = model.model.vision_tower(pixel_values.reshape(-1, 3, side, side), output_hidden_states=True)
    features = tower.hidden_states[-2][:, int(shape.vision.has_class_token):]  # [tile, h*w, C]
    if grid == (0, 0):
        return features[0], (0, 0)
    patches = side // shape.vision.patch
    grid_map = features[1:].reshape(*grid, patches, patches, -1)  # [tile row, tile column, h, w, C]
    grid_map = grid_map.permute(4, 0, 2, 1, 3).reshape(-1, grid[0] * patches, grid[1] * patches)  # [C, H, W]
    unpadded = unpad_image(grid_map, original)
    local = unpadded.flatten(1).T  # [H*W, C]
    return torch.cat([features[0], local]), tuple(unpadded.shape[1:])


def newline_places(shape: Shape, map_size: tuple[int, int]) -> list[int]:
    return [shape.vision.tokens + map_size[1] * (row + 1) for row in range(map_size[0])]


def hugging_face_rows(model, inputs: dict) -> torch.Tensor:
    return model.model.get_image_features(**inputs, return_dict=True).pooler_output[0]


def check_rows(model, features: torch.Tensor, newlines: list[int], expected: torch.Tensor) -> None:
    """Our stitched features, projected and with newline rows put in, must be the model's own image rows."""
    projected = model.model.multi_modal_projector(features[None])[0]
    parts, start = [], 0
    for end in newlines:
        parts += [projected[start:end], model.model.image_newline[None]]
        start = end
    torch.testing.assert_close(torch.cat([*parts, projected[start:]]), expected, rtol=1e-4, atol=1e-4)


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
