"""What text-guided selection should compute: importances, kept tokens and the answers after dropping the rest."""

import math

import numpy as np
import torch

from .arrays import ArrayWriter

RATIO = 0.5
LAYERS = (1, 2)
ANSWER_TOKENS = 16


@torch.no_grad()
def golden_selections(model, arrays: ArrayWriter, prompt: dict, image_rows: torch.Tensor, newlines: list[int]) -> dict:
    before, count = len(prompt["before"]), image_rows.shape[0]
    newline_rows = {end + done for done, end in enumerate(newlines)}  # rows of the image that are newlines
    visual = torch.tensor([before + row for row in range(count) if row not in newline_rows])
    question = torch.arange(before + count, before + count + len(prompt["question"]))
    ids = prompt["before"] + [0] * count + prompt["question"] + prompt["after"]

    logits, attention = run(model, ids, before, image_rows, lambda layer, mask: mask)
    check_against_model(model, ids, before, image_rows, logits)
    probabilities = torch.stack([heads[:, question][:, :, visual] for heads in attention])  # [layer, head, row, token]
    mean = probabilities.mean(dim=(1, 2))  # [layer, token]
    strongest = probabilities.mean(dim=2).amax(dim=1)
    chosen = [selection(model, arrays, mode, layer, mean[layer - 1], visual, ids, before, image_rows)
              for layer in LAYERS for mode in ("prune", "shared")]
    return {"importance": arrays.add(mean.numpy()), "importance_max_heads": arrays.add(strongest.numpy()),
            "selections": chosen}


def selection(model, arrays: ArrayWriter, mode: str, layer: int, importance: torch.Tensor, visual: torch.Tensor,
              ids: list[int], before: int, image_rows: torch.Tensor) -> dict:
    order = importance.argsort(descending=True, stable=True)  # ties go to the earlier token
    size = math.ceil(RATIO * len(order))
    kept = order[:size].sort().values
    dropped = visual[order[size:]]
    after_image = before + image_rows.shape[0]

    def hide(index: int, mask: torch.Tensor) -> torch.Tensor:
        """Layers above the selection's do not see the dropped rows; shared prefixes see themselves whole."""
        if index < layer:
            return mask
        hidden = mask.clone()
        hidden[(0 if mode == "prune" else after_image):, dropped] = -torch.inf
        return hidden

    last, answer, leads = None, [], []
    while len(answer) < ANSWER_TOKENS:  # the kept set stays that of the prompt
        logits, _ = run(model, ids + answer, before, image_rows, hide)
        last = logits[-1] if last is None else last
        best = logits[-1].topk(2)
        answer.append(int(best.indices[0]))
        leads.append(float(best.values[0] - best.values[1]))
    return {"mode": mode, "layer": layer, "ratio": RATIO, "kept": kept.tolist(),
            "boundary": arrays.add(importance[order[size - 1:size + 1]].numpy()),
            "last_logits": arrays.add(last.numpy()), "greedy": answer,
            "greedy_margins": arrays.add(np.array(leads, np.float32))}


def run(model, ids: list[int], before: int, image_rows: torch.Tensor, mask_of) -> tuple[torch.Tensor, list]:
    """Logits `[row, V]` and each layer's attention `[head, row, row]`; `mask_of` changes a layer's mask.

    Rows that nothing sees are computed all the same: hiding them is the same as leaving them out.
    """
    language = model.model.language_model
    rows = language.embed_tokens(torch.tensor(ids))
    rows[before:before + image_rows.shape[0]] = image_rows
    hidden, positions = rows[None], torch.arange(len(ids))[None]
    rotary = language.rotary_emb(hidden, positions)
    causal = torch.full((len(ids), len(ids)), -torch.inf).triu(1)
    attention: list[torch.Tensor] = []
    for index, layer in enumerate(language.layers):
        hook = layer.self_attn.register_forward_hook(lambda _, __, output: attention.append(output[1][0]))
        hidden = layer(hidden, attention_mask=mask_of(index, causal)[None, None], position_ids=positions,
                       position_embeddings=rotary)
        hook.remove()
    return model.lm_head(language.norm(hidden))[0], attention


def check_against_model(model, ids: list[int], before: int, image_rows: torch.Tensor, logits: torch.Tensor) -> None:
    """With nothing dropped, these are the model's own logits."""
    rows = model.model.language_model.embed_tokens(torch.tensor(ids))
    rows[before:before + image_rows.shape[0]] = image_rows
    expected = model(inputs_embeds=rows[None], use_cache=False).logits[0]
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
