"""The language model. Parameters bear Llama's names in Hugging Face."""

import torch
import torch.nn.functional as F
from torch import nn

from ..shapes import Language
from .attention import AttentionInParts
from .layout import Layout
from .norm import Norm


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
        rows = self.ended(rows, attend(queries, keys, values, layout))
        return rows, (queries, keys) if keys_wanted else None

    def only(self, rows: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor], layout: Layout,
             index: torch.Tensor) -> torch.Tensor:
        """The same for the question rows at `index` `[n, row]` alone: after the last layer none sees the others."""
        normed = self.input_layernorm(rows)
        keys, values = self.heads_of(normed, "k_proj", "v_proj")
        place = index + layout.prefix
        (queries,) = self.heads_of(taken(normed, place), "q_proj")
        queries = rotated(queries, *(taken(part[:, 0], place)[:, None] for part in rotary))
        # A few rows: plain products with a mask are fast enough.
        scores = queries / queries.shape[-1] ** 0.5 @ rotated(keys, *rotary).transpose(-1, -2)
        seen = (scores + layout.hidden(rows.dtype, index)).softmax(-1) @ values
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
        """Cosines and sines `[n, 1, row, width of a head]`, sines of the first half negative: see `rotated`."""
        width = self.language.head_width
        steps = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32) / width
        angles = positions[:, None, :, None].float() / self.language.rope_base ** steps
        cosines, sines = angles.cos(), angles.sin()
        return torch.cat([cosines, cosines], dim=-1).to(dtype), torch.cat([-sines, sines], dim=-1).to(dtype)


def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, layout: Layout) -> torch.Tensor:
    """What all rows' heads see `[n, head, row, width of a head]`."""
    if queries.device.type == "cpu":  # its fused kernel is slower than plain products
        return AttentionInParts.apply(queries, keys, values, layout.parts)
    shared, fused = layout.prefix, F.scaled_dot_product_attention
    prefix = fused(*(heads[:, :, :shared] for heads in (queries, keys, values)), is_causal=True)
    asked = fused(queries[:, :, shared:], keys, values, attn_mask=layout.sees())
    return torch.cat([prefix, asked], dim=2)


def taken(rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Of rows `[n, row, D]` those at `index` `[n, row]`."""
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[-1]))


def rotated(heads: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """Each value is turned with the one that is half a head away."""
    return torch.addcmul(heads * cosines, heads.roll(heads.shape[-1] // 2, dims=-1), sines)
