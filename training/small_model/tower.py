"""The vision tower. Parameters bear SigLIP's names in Hugging Face, blocks above the feature layer left out."""

import torch
import torch.nn.functional as F
from torch import nn

from ..shapes import Vision


class Block(nn.Module):
    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.heads = vision.heads
        self.layer_norm1 = nn.LayerNorm(vision.width, eps=vision.norm_epsilon)
        self.self_attn = nn.ModuleDict({part: nn.Linear(vision.width, vision.width)
                                        for part in ("q_proj", "k_proj", "v_proj", "out_proj")})
        self.layer_norm2 = nn.LayerNorm(vision.width, eps=vision.norm_epsilon)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(vision.width, vision.feed_forward),
                                  "fc2": nn.Linear(vision.feed_forward, vision.width)})

    def heads_of(self, rows: torch.Tensor) -> torch.Tensor:
        """Queries, keys and values `[3, tile, head, patch, width of a head]`, by one product."""
        parts = [self.self_attn[part] for part in ("q_proj", "k_proj", "v_proj")]
        found = F.linear(rows, torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts]))
        return found.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """`[tile, patch, C]`."""
        queries, keys, values = self.heads_of(self.layer_norm1(rows))
        # On CPUs plain products are faster than the fused kernel, twice so with its gradient.
        seen = (queries / queries.shape[-1] ** 0.5 @ keys.transpose(-1, -2)).softmax(-1) @ values
        seen = seen.transpose(1, 2).flatten(2)
        rows = rows + self.self_attn["out_proj"](seen)
        widened = gelu(self.mlp["fc1"](self.layer_norm2(rows)))
        return rows + self.mlp["fc2"](widened)


class Tower(nn.Module):
    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.patch = vision.patch
        self.embeddings = nn.ModuleDict({
            "patch_embedding": nn.Conv2d(3, vision.width, vision.patch, vision.patch),
            "position_embedding": nn.Embedding(vision.tokens, vision.width)})
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(Block(vision) for _ in range(vision.feature_layer))})
        # What a patch shows should be louder than where it is.
        nn.init.normal_(self.embeddings["patch_embedding"].weight, std=1.5 / (3 * vision.patch ** 2) ** 0.5)
        nn.init.normal_(self.embeddings["position_embedding"].weight, std=0.1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Features `[tile, patch, C]` of uint8 tiles `[tile, row, column, 3]`: no norm follows the last block."""
        embedding = self.embeddings["patch_embedding"]
        side = pixels.shape[1] // self.patch
        # [tile, patch row, row, patch column, column, channel] to [tile, patch, channel * row * column]
        cut = pixels.unflatten(1, (side, self.patch)).unflatten(3, (side, self.patch))
        patches = cut.permute(0, 1, 3, 5, 2, 4).flatten(3).flatten(1, 2).to(embedding.weight.dtype) / 127.5 - 1
        rows = F.linear(patches, embedding.weight.flatten(1), embedding.bias)
        rows = rows + self.embeddings["position_embedding"].weight
        for block in self.encoder["layers"]:
            rows = block(rows)
        return rows


def gelu(values: torch.Tensor) -> torch.Tensor:
    """SigLIP's, by tanh; in BF16 the exact one, which rounds to the same and is four times as fast on CPUs."""
    return F.gelu(values, approximate="none" if values.dtype == torch.bfloat16 else "tanh")
