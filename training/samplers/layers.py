"""Runs a Hugging Face language model layer by layer, so that what a row sees may change between layers."""

import contextlib
from collections.abc import Callable, Iterator

import torch

# From a layer's index and the attention of the layers before it to that layer's mask.
MaskOf = Callable[[int, list[torch.Tensor | None]], torch.Tensor]


def run_layers(model, rows: torch.Tensor, mask_of: MaskOf,
               watched: set[int] | None = None) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
    """Logits `[n, row, V]` of embedded rows `[n, row, D]`, and each layer's attention: see `last_rows`."""
    last, attention = last_rows(model, rows, mask_of, watched)
    return model.lm_head(last), attention


def last_rows(model, rows: torch.Tensor, mask_of: MaskOf,
              watched: set[int] | None = None) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
    """Rows `[n, row, D]` after the last norm, of embedded ones, and each layer's attention `[n, head, row, row]`.

    `mask_of` gives an additive mask `[n or 1, 1, row, row]`. Only the layers in `watched` (indices; all by default)
    give their attention, and only they are run by the kernel that computes it. Rows that nothing sees are computed
    all the same: hiding them is the same as leaving them out.
    """
    language = model.model.language_model
    positions = torch.arange(rows.shape[1], device=rows.device)[None]
    rotary = language.rotary_emb(rows, positions)
    hidden, attention = rows, []
    for index, layer in enumerate(language.layers):
        mask = mask_of(index, attention)
        seen: list[torch.Tensor] = []
        with contextlib.ExitStack() as stack:
            if watched is None or index in watched:
                stack.enter_context(attention_kernel(language.config, "eager"))
                hook = layer.self_attn.register_forward_hook(lambda _, __, output: seen.append(output[1]))
                stack.callback(hook.remove)
            hidden = layer(hidden, attention_mask=mask, position_ids=positions, position_embeddings=rotary)
        attention.append(seen[0] if seen else None)
    return language.norm(hidden), attention


@contextlib.contextmanager
def attention_kernel(config, name: str) -> Iterator[None]:
    before = config._attn_implementation
    config._attn_implementation = name
    try:
        yield
    finally:
        config._attn_implementation = before


def causal_mask(rows: torch.Tensor) -> torch.Tensor:
    """`[1, 1, row, row]`: each row sees itself and the earlier ones."""
    count = rows.shape[1]
    hidden = torch.full((count, count), hidden_value(rows.dtype), dtype=rows.dtype, device=rows.device)
    return hidden.triu(1)[None, None]


def hidden_value(dtype: torch.dtype) -> float:
    """Finite, since a row that sees nothing would otherwise spread NaN; probabilities beside it are exactly 0."""
    return torch.finfo(dtype).min
