"""Reads and writes `sampler.gguf`: the samplers' settings as keys, what was trained as tensors."""

import hashlib
from pathlib import Path

import gguf
import numpy as np
import torch

from .place import PlaceEmbedding
from .router import Router
from .settings import SamplerSettings, default_pooling
from .vision_guided import VisionGuidedSampler

ARCHITECTURE = "focus"


def vision_digest(vision: Path) -> str:
    """What `focus.trained_for` holds: which vision file the features came from.

    SHA-256 in lower-case hexadecimal over the vision GGUF's tensors, sorted by name (as UTF-8 bytes): for each, the
    name in UTF-8, one zero byte, and the tensor's bytes as they are stored in the file, without padding. Keys,
    types and shapes are not part of it.
    """
    digest = hashlib.sha256()
    for tensor in sorted(gguf.GGUFReader(vision).tensors, key=lambda tensor: tensor.name.encode()):
        digest.update(tensor.name.encode() + b"\0")
        digest.update(np.ascontiguousarray(tensor.data).tobytes())
    return digest.hexdigest()


def write_sampler(path: Path, sampler: VisionGuidedSampler, feature_length: int, trained_for: str) -> None:
    """Writes the file; without a router it has none of its tensors, which means the density router.

    Shares are float32, as GGUF files have them; the value meant is the shortest decimal that gives that float32:
    0.39, not 0.38999998569, which times 100 tokens would round down to one less.
    """
    settings, router, place = sampler.settings, sampler.router, sampler.place
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    writer.add_uint32("focus.block_size", settings.block_size)
    writer.add_array("focus.scales", list(settings.scales))
    writer.add_string("focus.pooling", settings.pooling)
    writer.add_uint32("focus.overview_scale", settings.overview_scale)
    if settings.visual_budget is not None:
        writer.add_float32("focus.visual_budget", settings.visual_budget)
    writer.add_uint32("focus.selection.layer", settings.selection_layer)
    writer.add_float32("focus.selection.ratio", settings.selection_ratio)
    writer.add_string("focus.selection.heads", settings.selection_heads)
    writer.add_uint32("focus.feature_length", feature_length)
    writer.add_string("focus.trained_for", trained_for)
    if router is not None:
        writer.add_uint32("focus.router.hidden_length", router.hidden_length)
        writer.add_uint32("focus.router.head_count", router.head_count)
        for name, values in router.state_dict().items():
            writer.add_tensor(f"router.{name}", values.detach().float().numpy())
    if place is not None:
        writer.add_tensor("place.weight", place.weight.detach().float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_sampler(path: Path) -> tuple[VisionGuidedSampler, str]:
    """The sampler and the digest of the vision file it was trained for."""
    reader = gguf.GGUFReader(path)
    read = lambda key, default=None: reader.fields[key].contents() if key in reader.fields else default
    if read("general.architecture") != ARCHITECTURE:
        raise ValueError(f"{path} is no sampler file")
    weights = {tensor.name: torch.from_numpy(tensor.data.copy()) for tensor in reader.tensors}
    of_part = lambda part: {name.removeprefix(f"{part}."): value for name, value in weights.items()
                            if name.startswith(f"{part}.")}
    of_router, of_place, router, place = of_part("router"), of_part("place"), None, None
    kind = "learned" if of_router else "density"
    budget = read("focus.visual_budget")
    settings = SamplerSettings(
        kind, read("focus.pooling", default_pooling(kind)), read("focus.block_size"), tuple(read("focus.scales")),
        read("focus.overview_scale"), None if budget is None else decimal(budget), read("focus.selection.layer"),
        decimal(read("focus.selection.ratio")), read("focus.selection.heads"))
    if of_router:
        router = Router(read("focus.feature_length"), read("focus.router.hidden_length"),
                        read("focus.router.head_count"), len(settings.scales), "norm.weight" in of_router)
        router.load_state_dict(of_router)
    if of_place:
        place = PlaceEmbedding(read("focus.feature_length"))
        place.load_state_dict(of_place)
    return VisionGuidedSampler(settings, router, place), read("focus.trained_for")


def decimal(value: float) -> float:
    return float(str(np.float32(value)))
