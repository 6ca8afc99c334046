"""The tensors of a LLaVA model under their Hugging Face names, and how their random values are drawn."""

import hashlib
import math
from collections.abc import Callable, Iterator

import numpy as np

from .shapes import Language, Shape, Vision

Sizes = tuple[int, ...]
Values = Callable[[str, Sizes], np.ndarray]  # gives a tensor's float32 values by its name


def vision_tensors(v: Vision) -> Iterator[tuple[str, Sizes]]:
    prefix = "vision_tower.vision_model."
    if v.has_class_token:
        yield prefix + "embeddings.class_embedding", (v.width,)
    yield prefix + "embeddings.patch_embedding.weight", (v.width, 3, v.patch, v.patch)
    if v.kind == "siglip":
        yield prefix + "embeddings.patch_embedding.bias", (v.width,)
    yield prefix + "embeddings.position_embedding.weight", (v.tokens + v.has_class_token, v.width)
    if v.kind == "clip":
        yield from layer(prefix + "pre_layrnorm", (v.width,))  # the checkpoints' own spelling
    for block in range(v.blocks):
        base = f"{prefix}encoder.layers.{block}."
        yield from layer(base + "layer_norm1", (v.width,))
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from layer(base + "self_attn." + part, (v.width, v.width))
        yield from layer(base + "layer_norm2", (v.width,))
        yield from layer(base + "mlp.fc1", (v.feed_forward, v.width))
        yield from layer(base + "mlp.fc2", (v.width, v.feed_forward))
    yield from layer(prefix + "post_layernorm", (v.width,))


def projector_tensors(shape: Shape) -> Iterator[tuple[str, Sizes]]:
    width = shape.language.width
    yield from layer("multi_modal_projector.linear_1", (width, shape.vision.width))
    yield from layer("multi_modal_projector.linear_2", (width, width))
    if shape.grids:
        yield "image_newline", (width,)


def language_tensors(t: Language) -> Iterator[tuple[str, Sizes]]:
    keys = t.kv_heads * t.head_width
    yield "language_model.model.embed_tokens.weight", (t.vocabulary, t.width)
    for index in range(t.layers):
        base = f"language_model.model.layers.{index}."
        yield base + "input_layernorm.weight", (t.width,)
        for part, rows in (("q_proj", t.width), ("k_proj", keys), ("v_proj", keys)):
            yield base + f"self_attn.{part}.weight", (rows, t.width)
            if t.architecture == "qwen2":
                yield base + f"self_attn.{part}.bias", (rows,)
        yield base + "self_attn.o_proj.weight", (t.width, t.width)
        yield base + "post_attention_layernorm.weight", (t.width,)
        yield base + "mlp.gate_proj.weight", (t.feed_forward, t.width)
        yield base + "mlp.up_proj.weight", (t.feed_forward, t.width)
        yield base + "mlp.down_proj.weight", (t.width, t.feed_forward)
    yield "language_model.model.norm.weight", (t.width,)
    yield "language_model.lm_head.weight", (t.vocabulary, t.width)


def layer(name: str, sizes: Sizes) -> Iterator[tuple[str, Sizes]]:
    """A weight `[out, in]`, or a norm's `[width]`, and its bias."""
    yield name + ".weight", sizes
    yield name + ".bias", sizes[:1]


def random_values(seed: int) -> Values:
    return lambda name, sizes: draw(name, sizes, seed)


def draw(name: str, sizes: Sizes, seed: int) -> np.ndarray:
    """Float32 values that depend only on the name and the seed, so that any tensor can be drawn alone.

    Matrices have deviation 2/sqrt(fan in): at 1/sqrt greedy decoding falls into one repeated token.
    Biases and norms are far enough from 0 and 1 that leaving one out shows.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    generator = np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "little")))
    values = generator.standard_normal(sizes, dtype=np.float32)
    if name.endswith(".bias"):
        return values * np.float32(0.2)
    if "norm" in name and name.endswith(".weight"):
        return np.float32(1) + values * np.float32(0.1)
    if "embed_tokens" in name or name == "image_newline" or "class_embedding" in name:
        return values
    if "position_embedding" in name:
        return values * np.float32(0.5)
    # The tower's features are large; without this, image rows would drown what the layers add to them.
    gain = 0.25 if "linear_2" in name else 2
    return values * np.float32(gain / math.sqrt(math.prod(sizes[1:])))
