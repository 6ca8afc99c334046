"""Writes what Hugging Face's LLaVA and LLaVA-NeXT image processors make of the demo photographs.

    python training/goldens/preprocessing.py script/demo-images Tests/ImagesTests/Fixtures/preprocessing.json

For each photograph and model: token count, tiles, the mean of each tile's channels, and pixels at places drawn
by a small generator that the Swift test repeats. Pixels are 8-bit, as they are before normalisation, from the
Pillow processors (`pil`), and from the same with the resize that the torchvision processors use (`torch`;
torchvision itself calls this function, so it need not be installed).
"""

import base64
import json
import pathlib
import sys

import numpy as np
import torch
import transformers
from PIL import Image, ImageOps
from transformers import LlavaNextProcessor
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

TILE, PATCH, SAMPLES = 336, 14, 500
PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
SIZE = {"size": {"shortest_edge": TILE}, "crop_size": {"height": TILE, "width": TILE}}
SQUARE = {"size": {"height": TILE, "width": TILE}, "crop_size": {"height": TILE, "width": TILE}, "do_pad": True}


class TorchResize:
    """Resizes 8-bit pixels as torchvision does."""

    def resize(self, image: np.ndarray, size, resample=None, **_) -> np.ndarray:
        shape = (size.height or size.shortest_edge, size.width or size.shortest_edge)
        pixels = torch.from_numpy(np.ascontiguousarray(image))[None]
        return torch.nn.functional.interpolate(pixels, shape, mode="bicubic", antialias=True)[0].numpy()


class TorchLlava(TorchResize, LlavaImageProcessorPil):
    pass


class TorchLlavaNext(TorchResize, LlavaNextImageProcessorPil):
    pass


PROCESSORS = {
    "llava-1.5": {
        "pil": LlavaImageProcessorPil(**SQUARE),
        "torch": TorchLlava(**SQUARE),
    },
    "llava-next": {
        "pil": LlavaNextImageProcessorPil(image_grid_pinpoints=PINPOINTS, **SIZE),
        "torch": TorchLlavaNext(image_grid_pinpoints=PINPOINTS, **SIZE),
    },
}
CLIP_STD = PROCESSORS["llava-1.5"]["pil"].image_std


def sample_places(count: int) -> list[int]:
    """Pixel indices in a tile, from a linear congruential generator (Numerical Recipes' constants)."""
    state, places = 1, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        places.append((state >> 8) % (TILE * TILE))
    return places


def tiles(processor, image: Image.Image) -> np.ndarray:
    """8-bit pixels, `[tile, row, column, channel]`."""
    values = np.asarray(processor(image, return_tensors="np")["pixel_values"])[0]
    values = values.reshape(-1, 3, TILE, TILE).transpose(0, 2, 3, 1)
    pixels = (values * processor.image_std + processor.image_mean) * 255
    return np.rint(pixels).astype(np.uint8)


def token_count(model: str, size: tuple[int, int]) -> int:
    if model == "llava-1.5":
        return (TILE // PATCH) ** 2
    processor = LlavaNextProcessor.__new__(LlavaNextProcessor)
    processor.image_processor = PROCESSORS[model]["pil"]
    processor.patch_size, processor.num_additional_image_tokens = PATCH, 0
    return processor._get_number_of_features(size[1], size[0], TILE, TILE)


def case(model: str, path: pathlib.Path) -> dict:
    image = ImageOps.exif_transpose(Image.open(path))
    made = {name: tiles(processor, image) for name, processor in PROCESSORS[model].items()}
    places = sample_places(SAMPLES)
    between = np.abs(made["pil"].astype(float) - made["torch"]) / (255 * np.array(CLIP_STD))
    print(f"{model:10} {path.name:18} tiles {len(made['pil'])} pil-torch {between.mean():.5f}")
    return {
        "model": model,
        "photo": path.name,
        "size": list(image.size),
        "tokens": token_count(model, image.size),
        "tiles": len(made["pil"]),
        "means": made["pil"].reshape(len(made["pil"]), -1, 3).mean(axis=1).round(3).tolist(),
        "samples": {
            name: base64.b64encode(values.reshape(len(values), -1, 3)[:, places].tobytes()).decode()
            for name, values in made.items()
        },
    }


def main() -> None:
    photos = sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.suffix != ".md")
    golden = {
        "transformers": transformers.__version__,
        "samples": SAMPLES,
        "mean": PROCESSORS["llava-1.5"]["pil"].image_mean,
        "deviation": CLIP_STD,
        "cases": [case(model, photo) for model in PROCESSORS for photo in photos],
    }
    pathlib.Path(sys.argv[2]).write_text(json.dumps(golden, separators=(",", ":")))


main()
