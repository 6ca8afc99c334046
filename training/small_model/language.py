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

    def heads_of(self, rows: torch.Tensor, *parts: str) -> torch.Tensor:
        """`[part, n, head, row, width of a head]` of "q_proj" and so on, by one product."""
        weight = torch.cat([self.self_attn[part].weight for part in parts])
        return F.linear(rows, weight).unflatten(-1, (len(parts), self.heads, -1)).permute(2, 0, 3, 1, 4)

    def forward(self, rows: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor], layout: Layout,
                keys_wanted: bool = False) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor] | None]:
        """Rows `[n, row, D]`, the shared prefix before the questions'; and, if wanted, queries and keys."""
        queries, keys, values = self.heads_of(self.input_layernorm(rows), "q_proj", "k_proj", "v_proj")
        queries, keys = rotated(queries, *rotary), rotated(keys, *rotary)
        shared = layout.prefix
        prefix = attend(queries[:, :, :shared], keys[:, :, :shared], values[:, :, :shared], layout.earlier(rows.dtype))
        asked = attend(queries[:, :, shared:], keys, values, layout.hidden(rows.dtype))
        rows = self.ended(rows, torch.cat([prefix, asked], dim=2))
        return rows, (queries, keys) if keys_wanted else None

    def only(self, rows: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor], layout: Layout,
             index: torch.Tensor) -> torch.Tensor:
        """The same for the question rows at `index` `[n, row]` alone: after the last layer none sees the others."""
        normed = self.input_layernorm(rows)
        keys, values = self.heads_of(normed, "k_proj", "v_proj")
        place = index + layout.prefix
        (queries,) = self.heads_of(taken(normed, place), "q_proj")
        queries = rotated(queries, *(taken(part[:, 0], place)[:, None] for part in rotary))
        seen = attend(queries, rotated(keys, *rotary), values, layout.hidden(rows.dtype, index))
        return self.ended(taken(rows, place), seen)

    def ended(self, rows: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """What follows attention, of rows `[n, row, D]` and what their heads saw `[n, head, row, width of a head]`."""
        rows = rows + self.self_attn["o_proj"](seen.transpose(1, 2).flatten(2))
        normed = self.post_attention_layernorm(rows)
        weight = torch.cat([self.mlp[part].weight for part in ("gate_proj", "up_proj")])
        gate, up = F.linear(normed, weight).chunk(2, dim=-1)
        return rows + self.mlp["down_proj"](F.silu(gate) * up)


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


def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """`hidden` is added to scores: minus infinity where nothing is seen."""
    if queries.device.type != "cpu":
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=hidden)
    # On CPUs plain products are faster than the fused kernel, by a third with its gradient.
    return (queries / queries.shape[-1] ** 0.5 @ keys.transpose(-1, -2) + hidden).softmax(-1) @ values


def taken(rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Of rows `[n, row, D]` those at `index` `[n, row]`."""
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[-1]))


def rotated(heads: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    first, second = heads.chunk(2, dim=-1)
    return heads * cosines + torch.cat([-second, first], dim=-1) * sines
