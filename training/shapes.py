"""Sizes of the models that can be written, by name."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Vision:
    """A vision tower. `blocks` counts Hugging Face's; a GGUF file lacks the ones above the feature layer."""

    kind: str  # "clip" or "siglip"
    tile: int
    patch: int
    blocks: int
    width: int
    heads: int
    feed_forward: int
    projection: int  # what the file's projection_dim says; CLIP's own, unused by LLaVA

    @property
    def tokens(self) -> int:
        """Visual tokens of one tile."""
        return (self.tile // self.patch) ** 2

    @property
    def has_class_token(self) -> bool:
        return self.kind == "clip"

    @property
    def norm_epsilon(self) -> float:
        return 1e-5 if self.kind == "clip" else 1e-6

    @property
    def activation(self) -> str:
        return "quick_gelu" if self.kind == "clip" else "gelu_pytorch_tanh"

    @property
    def feature_layer(self) -> int:
        """Blocks whose output is the feature: Hugging Face's layer -2."""
        return self.blocks - 1

    @property
    def mean(self) -> list[float]:
        return [0.48145466, 0.4578275, 0.40821073] if self.kind == "clip" else [0.5] * 3

    @property
    def deviation(self) -> list[float]:
        return [0.26862954, 0.26130258, 0.27577711] if self.kind == "clip" else [0.5] * 3


@dataclass(frozen=True)
class Language:
    architecture: str  # "llama" or "qwen2"
    layers: int
    width: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    context: int
    rope_factor: float | None = None  # linear position scaling

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def norm_epsilon(self) -> float:
        return 1e-5 if self.architecture == "llama" else 1e-6

    @property
    def rope_base(self) -> float:
        return 10000.0 if self.architecture == "llama" else 1000000.0


@dataclass(frozen=True)
class Shape:
    vision: Vision
    language: Language
    grids: tuple[tuple[int, int], ...] = ()  # tiles (a, b) a NeXT image may be fitted to; empty for 1.5

    @property
    def pinpoints(self) -> list[list[int]]:
        """The grids in pixels. The set is symmetric, so it reads alike as (width, height) and (height, width)."""
        return [[a * self.vision.tile, b * self.vision.tile] for a, b in self.grids]


NEXT_GRIDS = ((1, 2), (2, 1), (2, 2), (3, 1), (1, 3))
FOCUS_GRIDS = (*NEXT_GRIDS, (2, 3), (3, 2), (3, 3), (2, 4), (4, 2))

TINY_VISION = Vision("clip", tile=56, patch=14, blocks=4, width=64, heads=4, feed_forward=128, projection=32)
SMALL_VISION = Vision("clip", tile=336, patch=14, blocks=5, width=128, heads=4, feed_forward=512, projection=768)
LARGE_VISION = Vision("clip", tile=336, patch=14, blocks=24, width=1024, heads=16, feed_forward=4096, projection=768)
FOCUS_VISION = Vision("siglip", tile=112, patch=14, blocks=6, width=192, heads=3, feed_forward=768, projection=256)

TINY_LANGUAGE = Language("llama", 4, 64, 4, 4, 128, vocabulary=640, context=2048)
SMALL_LANGUAGE = Language("llama", 6, 256, 8, 4, 768, vocabulary=32000, context=4096)
LARGE_LANGUAGE = Language("llama", 22, 2048, 32, 4, 5632, vocabulary=32000, context=8192)
FOCUS_LANGUAGE = Language("llama", 4, 256, 4, 4, 512, vocabulary=768, context=4096)

SHAPES = {
    "tiny-1.5": Shape(TINY_VISION, TINY_LANGUAGE),
    # Five patches to a side, so that odd sizes meet the unpadding.
    "tiny-next": Shape(replace(TINY_VISION, tile=70), TINY_LANGUAGE, NEXT_GRIDS),
    "small-1.5": Shape(SMALL_VISION, SMALL_LANGUAGE),
    "small-next": Shape(SMALL_VISION, SMALL_LANGUAGE, NEXT_GRIDS),
    "1.1b-1.5": Shape(LARGE_VISION, LARGE_LANGUAGE),
    "1.1b-next": Shape(LARGE_VISION, LARGE_LANGUAGE, NEXT_GRIDS),
    "focus-small": Shape(FOCUS_VISION, FOCUS_LANGUAGE, FOCUS_GRIDS),
}
