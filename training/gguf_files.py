"""Writes the GGUF pair of a LLaVA model as llama.cpp's converters do, one tensor in memory at a time."""

import re
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

from . import weights
from .shapes import Shape
from .vocabulary import Vocabulary

LANGUAGE_NAMES = {
    "language_model.model.embed_tokens": "token_embd", "language_model.model.norm": "output_norm",
    "language_model.lm_head": "output", "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
VISION_NAMES = {
    "embeddings.patch_embedding": "v.patch_embd", "embeddings.position_embedding": "v.position_embd",
    "pre_layrnorm": "v.pre_ln", "layer_norm1": "ln1", "layer_norm2": "ln2", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.out_proj": "attn_out",
    "multi_modal_projector.linear_1": "mm.0", "multi_modal_projector.linear_2": "mm.2",
}


def file_type(kind: str) -> gguf.LlamaFileType:
    return gguf.LlamaFileType.ALL_F32 if kind == "F32" else gguf.LlamaFileType[f"MOSTLY_{kind}"]


def language_name(name: str) -> str:
    base, kind = name.rsplit(".", 1)
    block = re.fullmatch(r"language_model\.model\.layers\.(\d+)\.(.+)", base)
    return f"blk.{block[1]}.{LANGUAGE_NAMES[block[2]]}.{kind}" if block else f"{LANGUAGE_NAMES[base]}.{kind}"


def vision_name(name: str, legacy: bool) -> str:
    """The file's name. The legacy converter calls the first feed-forward matrix "down" and the second "up"."""
    name = name.removeprefix("vision_tower.vision_model.")
    if name == "embeddings.class_embedding":
        return "v.class_embd"
    if name == "image_newline":
        return "model.image_newline" if legacy else "v.image_newline"
    base, kind = name.rsplit(".", 1)
    block = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)", base)
    if not block:
        return f"{VISION_NAMES[base]}.{kind}"
    feed_forward = {"mlp.fc1": "ffn_down", "mlp.fc2": "ffn_up"} if legacy else \
                   {"mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down"}
    return f"v.blk.{block[1]}.{(VISION_NAMES | feed_forward)[block[2]]}.{kind}"


def permute(values: np.ndarray, heads: int) -> np.ndarray:
    """Puts the two halves of each head in turn: llama's rotary embedding in GGUF pairs neighbours."""
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, -1)  # [head, half, pair, in]
    return halves.swapaxes(1, 2).reshape(values.shape)


def write_language(path: Path, shape: Shape, vocabulary: Vocabulary, kind: str, values: weights.Values,
                   title: str = "random LLaVA") -> None:
    t = shape.language
    writer = gguf.GGUFWriter(path, t.architecture)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(f"{title} language model")
    writer.add_block_count(t.layers)
    writer.add_context_length(t.context)
    writer.add_embedding_length(t.width)
    writer.add_feed_forward_length(t.feed_forward)
    writer.add_head_count(t.heads)
    writer.add_head_count_kv(t.kv_heads)
    writer.add_rope_freq_base(t.rope_base)
    writer.add_layer_norm_rms_eps(t.norm_epsilon)
    writer.add_vocab_size(t.vocabulary)
    if t.architecture == "llama":
        writer.add_rope_dimension_count(t.head_width)
    if t.rope_factor is not None:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(t.rope_factor)
    writer.add_file_type(file_type(kind))
    vocabulary.write(writer)

    def stored(name: str, sizes: weights.Sizes) -> np.ndarray:
        given = values(name, sizes)
        if t.architecture == "llama" and re.search(r"\.[qk]_proj\.", name):
            return permute(given, t.heads if ".q_proj." in name else t.kv_heads)
        return given

    write_tensors(writer, [(language_name(name), name, sizes, Type[kind] if len(sizes) > 1 else Type.F32)
                           for name, sizes in weights.language_tensors(t)], stored)


def write_vision(path: Path, shape: Shape, kind: str, values: weights.Values, legacy: bool = True,
                 names_feature_layer: bool = True, title: str = "random LLaVA") -> None:
    v = shape.vision
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_name(f"{title} vision tower")
    writer.add_file_type(file_type(kind))
    if legacy:
        writer.add_bool("clip.has_text_encoder", False)
        writer.add_bool("clip.has_llava_projector", True)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    # Absent or false means quick GELU, true the tanh form (SigLIP's).
    writer.add_bool("clip.use_gelu", v.kind == "siglip")
    for key, value in {"image_size": v.tile, "patch_size": v.patch, "embedding_length": v.width,
                       "feed_forward_length": v.feed_forward, "block_count": v.feature_layer,
                       "projection_dim": v.projection, "attention.head_count": v.heads}.items():
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", v.norm_epsilon)
    writer.add_array("clip.vision.image_mean", v.mean)
    writer.add_array("clip.vision.image_std", v.deviation)
    if names_feature_layer:
        writer.add_array("clip.vision.feature_layer", [v.feature_layer])
    if shape.grids:
        writer.add_array("clip.vision.image_grid_pinpoints", [side for point in shape.pinpoints for side in point])
        writer.add_string("clip.vision.mm_patch_merge_type", "spatial_unpad")
    write_tensors(writer, [(vision_name(name, legacy), name, sizes, vision_type(name, sizes, kind))
                           for name, sizes in file_vision_tensors(shape)], values)


def file_vision_tensors(shape: Shape) -> Iterator[tuple[str, weights.Sizes]]:
    """The converters leave out the blocks above the feature layer and the norm after them."""
    v = shape.vision
    for name, sizes in weights.vision_tensors(v):
        if "post_layernorm" not in name and f"encoder.layers.{v.feature_layer}." not in name:
            yield name, sizes
    yield from weights.projector_tensors(shape)


def vision_type(name: str, sizes: weights.Sizes, kind: str) -> Type:
    """Patch and position embeddings are F16 in an F16 file and otherwise stay F32."""
    if len(sizes) == 1 or ("embeddings." in name and kind != "F16"):
        return Type.F32
    return Type[kind]


def write_tensors(writer: gguf.GGUFWriter, entries, values: weights.Values) -> None:
    """`entries` are (file's name, our name, sizes, type)."""
    for name, _, sizes, kind in entries:
        stored = sizes[:-1] + (sizes[-1] // gguf.GGML_QUANT_SIZES[kind][0] * gguf.GGML_QUANT_SIZES[kind][1],)
        is_float = kind in (Type.F32, Type.F16)
        writer.add_tensor_info(name, sizes if is_float else stored,
                               np.dtype(np.float16 if kind == Type.F16 else np.float32 if is_float else np.uint8),
                               nbytes(sizes, kind), None if is_float else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for _, name, sizes, kind in entries:
        writer.write_tensor_data(gguf.quants.quantize(values(name, sizes), kind))
    writer.close()


def nbytes(sizes: weights.Sizes, kind: Type) -> int:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    return int(np.prod(sizes)) // block * size
