"""Writes a model as a Hugging Face checkpoint, in F32, one file for each group of tensors."""

import itertools
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaNextConfig, Qwen2Config,
                          SiglipVisionConfig)

from . import weights
from .shapes import Language, Shape, Vision
from .vocabulary import Vocabulary


def write_checkpoint(folder: Path, shape: Shape, tokens: Vocabulary, values: weights.Values) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    configuration(shape, tokens).save_pretrained(folder)
    tensors = itertools.chain(weights.vision_tensors(shape.vision), weights.projector_tensors(shape),
                              weights.language_tensors(shape.language))
    index = {}
    for number, (_, group) in enumerate(itertools.groupby(tensors, key=lambda item: file_group(item[0]))):
        name = f"model-{number:05}.safetensors"
        group = {key: torch.from_numpy(values(key, sizes)) for key, sizes in group}
        save_file(group, folder / name, metadata={"format": "pt"})
        index |= dict.fromkeys(group, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    if tokens.source:
        (folder / ("tokenizer.model" if tokens.model == "llama" else "tokenizer.json")).write_bytes(tokens.source)


def file_group(name: str) -> str:
    """Tensors of one block, or of one other part, share a file."""
    parts = name.split(".")
    return ".".join(parts[:5]) if parts[0] == "vision_tower" else ".".join(parts[:4])


def configuration(shape: Shape, tokens: Vocabulary) -> LlavaConfig | LlavaNextConfig:
    common = dict(
        vision_config=vision_configuration(shape.vision), text_config=language_configuration(shape.language, tokens),
        image_token_index=(tokens.tokens.index("<image>") if "<image>" in tokens.tokens
                           else shape.language.vocabulary - 1),
        projector_hidden_act="gelu", vision_feature_layer=-2, tie_word_embeddings=False,
        vision_feature_select_strategy="default" if shape.vision.has_class_token else "full",
        image_seq_length=shape.vision.tokens)
    if shape.grids:
        return LlavaNextConfig(image_grid_pinpoints=shape.pinpoints, **common)
    return LlavaConfig(**common)


def vision_configuration(v: Vision) -> CLIPVisionConfig | SiglipVisionConfig:
    common = dict(hidden_size=v.width, intermediate_size=v.feed_forward, num_hidden_layers=v.blocks,
                  num_attention_heads=v.heads, image_size=v.tile, patch_size=v.patch, hidden_act=v.activation,
                  layer_norm_eps=v.norm_epsilon)
    if v.kind == "clip":
        return CLIPVisionConfig(projection_dim=v.projection, **common)
    return SiglipVisionConfig(vision_use_head=False, **common)


def language_configuration(t: Language, tokens: Vocabulary) -> LlamaConfig | Qwen2Config:
    rope = {"rope_type": "default", "rope_theta": t.rope_base}
    if t.rope_factor is not None:
        rope = {"rope_type": "linear", "factor": t.rope_factor, "rope_theta": t.rope_base}
    return {"llama": LlamaConfig, "qwen2": Qwen2Config}[t.architecture](
        vocab_size=t.vocabulary, hidden_size=t.width, intermediate_size=t.feed_forward, num_hidden_layers=t.layers,
        num_attention_heads=t.heads, num_key_value_heads=t.kv_heads, max_position_embeddings=t.context,
        rms_norm_eps=t.norm_epsilon, rope_parameters=rope, tie_word_embeddings=False,
        bos_token_id=tokens.special.get("bos"), eos_token_id=tokens.special.get("eos"),
        pad_token_id=tokens.special.get("pad"))
