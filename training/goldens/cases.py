"""The model files and images of the engine's goldens."""

from dataclasses import dataclass, replace

from ..shapes import SHAPES, Shape

SEED = 1


@dataclass(frozen=True)
class Case:
    name: str
    about: str
    shape: str = "tiny-1.5"
    architecture: str = "llama"
    kv_heads: int = 4
    vision: str = "clip"
    rope_factor: float | None = None
    tile: int | None = None  # other than the shape's
    legacy_names: bool = True
    names_feature_layer: bool = True
    language_of: str | None = None  # the case whose file is the same
    vision_of: str | None = None
    is_compressed: bool = False  # also with the samplers
    images: tuple[tuple[str, int, int], ...] = (("one", 200, 150), ("two", 90, 300))  # name, width, height

    @property
    def sizes(self) -> Shape:
        shape = SHAPES[self.shape]
        vision = replace(shape.vision, kind=self.vision, tile=self.tile or shape.vision.tile)
        return replace(shape, vision=vision, language=replace(
            shape.language, architecture=self.architecture, kv_heads=self.kv_heads, rope_factor=self.rope_factor))


CASES = [
    Case("llava-1.5-mha", "LLaVA-1.5, llama with as many key/value heads as heads; vision file with the legacy names",
         is_compressed=True),
    Case("llava-1.5-gqa", "grouped-query attention; vision file with the current names and no feature_layer key",
         kv_heads=2, legacy_names=False, names_feature_layer=False, is_compressed=True),
    Case("llava-1.5-blocks", "one tile of several blocks, ragged at its edges", tile=140,
         language_of="llava-1.5-mha", is_compressed=True),
    Case("llava-next-gqa", "LLaVA-NeXT: stitched and unpadded maps with newline rows", shape="tiny-next", kv_heads=2,
         is_compressed=True,
         images=(("landscape", 300, 170), ("portrait", 70, 330), ("square", 230, 200), ("panorama", 640, 150))),
    Case("llava-1.5-qwen2", "qwen2: biases on q, k and v, rotary pairs half a head apart", architecture="qwen2",
         kv_heads=2, vision_of="llava-1.5-mha"),
    Case("llava-1.5-siglip", "SigLIP tower: no class token, no norm before the blocks, a patch bias, tanh GELU",
         vision="siglip", legacy_names=False, language_of="llava-1.5-mha"),
    Case("llava-1.5-rope", "llama with positions divided by four", rope_factor=4.0, vision_of="llava-1.5-mha"),
]
