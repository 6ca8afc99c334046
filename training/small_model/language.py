"""The language model. Parameters bear Llama's names in Hugging Face."""

import torch
import torch.nn.functional as F
from torch import nn

from ..shapes import Language
from .layout import Layout


class Norm(nn.Module):
    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(width)), epsilon

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(rows, self.weight.shape, self.weight, self.epsilon)


class Layer(nn.Module):
    def __init__(self, language: Language) -> None:
        super().__init__()
        width, self.heads = language.width, language.heads
        linear = lambda inner, outer: nn.Linear(inner, outer, bias=False)
        self.input_layernorm = Norm(width, language.norm_epsilon)
        self.self_attn = nn.ModuleDict({part: linear(width, width)
                                        for part in ("q_proj", "k_proj", "v_proj", "o_proj")})
        self.post_attention_layernorm = Norm(width, language.norm_epsilon)
        self.mlp = nn.ModuleDict({"gate_proj": linear(width, language.feed_forward),
                                  "up_proj": linear(width, language.feed_forward),
                                  "down_proj": linear(language.feed_forward, width)})

    def heads_of(self, rows: torch.Tensor, part: str) -> torch.Tensor:
        """`[n, head, row, width of a head]`."""
        return self.self_attn[part](rows).unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, rows: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor], layout: Layout,
                keys_wanted: bool = False) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor] | None]:
        """Rows `[n, row, D]`, the shared prefix before the questions'; and, if wanted, queries and keys."""
        normed = self.input_layernorm(rows)
        queries = rotated(self.heads_of(normed, "q_proj"), *rotary)
        keys = rotated(self.heads_of(normed, "k_proj"), *rotary)
        values = self.heads_of(normed, "v_proj")
        shared = layout.prefix
        prefix = attend(queries[:, :, :shared], keys[:, :, :shared], values[:, :, :shared], None)
        asked = attend(queries[:, :, shared:], keys, values, layout)
        seen = torch.cat([prefix, asked], dim=2).transpose(1, 2).flatten(2)
        rows = rows + self.self_attn["o_proj"](seen)
        normed = self.post_attention_layernorm(rows)
        widened = F.silu(self.mlp["gate_proj"](normed)) * self.mlp["up_proj"](normed)
        return rows + self.mlp["down_proj"](widened), (queries, keys) if keys_wanted else None


class LanguageModel(nn.Module):
    def __init__(self, language: Language) -> None:
        super().__init__()
        self.language = language
        self.model = nn.ModuleDict({
            "embed_tokens": nn.Embedding(language.vocabulary, language.width),
            "layers": nn.ModuleList(Layer(language) for _ in range(language.layers)),
            "norm": Norm(language.width, language.norm_epsilon)})
        self.lm_head = nn.Linear(language.width, language.vocabulary, bias=False)
        nn.init.normal_(self.model["embed_tokens"].weight, std=1.0)

    @property
    def layers(self) -> nn.ModuleList:
        return self.model["layers"]

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model["embed_tokens"](ids)

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        return self.lm_head(self.model["norm"](rows))

    def rotary(self, positions: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines `[n, 1, row, width of a head]`."""
        width = self.language.head_width
        steps = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32) / width
        angles = positions[:, None, :, None].float() / self.language.rope_base ** steps
        angles = torch.cat([angles, angles], dim=-1)
        return angles.cos().to(dtype), angles.sin().to(dtype)


def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, layout: Layout | None) -> torch.Tensor:
    """The questions' rows see by their layout; without one, rows of the prefix see those before them.

    Padding stands at the prefix's end, where no row of the prefix looks.
    """
    if queries.device.type != "cpu":
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=layout.mask if layout else None,
                                              is_causal=layout is None)
    # On CPUs plain products with a mask are faster than the fused kernel, by a third with its gradient.
    rows = queries.shape[2]
    hidden = layout.hidden(queries.dtype) if layout else \
        torch.full((rows, rows), -torch.inf, dtype=queries.dtype).triu(1)
    scores = queries / queries.shape[-1] ** 0.5 @ keys.transpose(-1, -2) + hidden
    return scores.softmax(-1) @ values


def rotated(heads: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    first, second = heads.chunk(2, dim=-1)
    return heads * cosines + torch.cat([-second, first], dim=-1) * sines
