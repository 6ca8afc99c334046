"""Image files as the worker cuts them."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from ..samplers.focus_llava import TiledImage


class Cutter:
    """Turned upright, transparency over white; LLaVA-1.5's image padded to a square, LLaVA-NeXT's in tiles.

    Embedded colour profiles are not applied, which the worker does.
    """

    def __init__(self, config, mean: list[float], deviation: list[float]) -> None:
        """`config` is the checkpoint's; mean and deviation are those of its pixels' channels, from 0 to 1."""
        side = config.vision_config.image_size
        common = {"crop_size": {"height": side, "width": side}, "image_mean": mean, "image_std": deviation}
        pinpoints = getattr(config, "image_grid_pinpoints", None)
        if pinpoints is None:
            self._process = LlavaImageProcessorPil(size={"height": side, "width": side}, do_pad=True, **common)
        else:
            self._process = LlavaNextImageProcessorPil(size={"shortest_edge": side}, image_grid_pinpoints=pinpoints,
                                                       **common)

    def __call__(self, path: Path) -> TiledImage | None:
        """None where the file cannot be decoded or cut."""
        try:
            with Image.open(path) as opened:
                image = over_white(ImageOps.exif_transpose(opened))
            pixels = np.asarray(self._process(image, return_tensors="np")["pixel_values"][0], np.float32)
        except Exception:  # decoders of broken files raise nearly anything, and none may end a run
            return None
        return TiledImage(torch.from_numpy(pixels.reshape(-1, *pixels.shape[-3:])), (image.height, image.width))


def over_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), colours).convert("RGB")
    return image.convert("RGB")
