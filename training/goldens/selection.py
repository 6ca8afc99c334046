"""What text-guided selection should compute: importances, kept tokens and the answers after dropping the rest."""

from collections.abc import Callable

import numpy as np
import torch

from ..samplers.layers import MaskOf, causal_mask, run_layers
from ..samplers.prompt_rows import ImageRows, PromptRows, TokenPrompt, prompt_rows
from ..samplers.text_guided import by_importance, hide, importance, keep_by_ratio, keep_by_share
from .arrays import ArrayWriter

RATIO = {"ratio": 0.5}
CHOICES = [(mode, layer, RATIO) for layer in (1, 2) for mode in ("prune", "shared")]
SHARE_CHOICES = [("prune", 2, {"share": 0.8})]
ANSWER_TOKENS = 16


@torch.no_grad()
def golden_selections(model, arrays: ArrayWriter, prompt: dict, image: ImageRows, choices: list) -> dict:
    rows = rows_of(model, prompt, image, [])
    causal = causal_mask(rows.rows)
    logits, attention = run_layers(model, rows.rows, lambda index, earlier: causal)
    expected = model(inputs_embeds=rows.rows, use_cache=False).logits
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)  # with nothing dropped: the model's own
    visual = rows.is_visual[0]
    mean, strongest = (torch.stack([importance(layer, rows, heads)[0, visual] for layer in attention])
                       for heads in ("mean", "max"))  # [layer, token]
    chosen = [selection(model, arrays, mode, layer, limit, mean[layer - 1], prompt, image)
              for mode, layer, limit in choices]
    return {"importance": arrays.add(mean.numpy()), "importance_max_heads": arrays.add(strongest.numpy()),
            "selections": chosen}


def selection(model, arrays: ArrayWriter, mode: str, layer: int, limit: dict, scores: torch.Tensor, prompt: dict,
              image: ImageRows) -> dict:
    kept = keep_by_ratio(scores, limit["ratio"]) if "ratio" in limit else keep_by_share(scores, limit["share"])
    boundary = by_importance(scores)[len(kept) - 1:len(kept) + 1]

    def masks(rows: PromptRows) -> MaskOf:
        """Layers above the selection's do not see the dropped rows; shared prefixes see themselves whole."""
        dropped = torch.zeros_like(rows.is_visual)
        places = rows.is_visual[0].nonzero()[:, 0]
        dropped[0, places] = True
        dropped[0, places[kept]] = False
        after_image = torch.arange(rows.rows.shape[1])[None] >= rows.image_ends[:, None]
        causal = causal_mask(rows.rows)
        hidden = hide(causal, dropped, None if mode == "prune" else after_image)
        return lambda index, earlier: causal if index < layer else hidden

    return {"mode": mode, "layer": layer} | limit | {
        "kept": kept.tolist(), "boundary": arrays.add(scores[boundary].numpy())
    } | golden_answer(model, arrays, prompt, image, masks)


@torch.no_grad()
def golden_answer(model, arrays: ArrayWriter, prompt: dict, image: ImageRows,
                  masks: Callable[[PromptRows], MaskOf]) -> dict:
    """The prompt's last logits and the greedy answer; what `masks` hides stays hidden for every token."""
    last, answer, leads = None, [], []
    while len(answer) < ANSWER_TOKENS:  # without a cache, so that none can be wrong
        rows = rows_of(model, prompt, image, answer)
        logits = run_layers(model, rows.rows, masks(rows), watched=set())[0][0, -1]
        last = logits if last is None else last
        best = logits.topk(2)
        answer.append(int(best.indices[0]))
        leads.append(float(best.values[0] - best.values[1]))
    return {"last_logits": arrays.add(last.numpy()), "greedy": answer,
            "greedy_margins": arrays.add(np.array(leads, np.float32))}


def rows_of(model, prompt: dict, image: ImageRows, answer: list[int]) -> PromptRows:
    """`answer` are the tokens so far."""
    return prompt_rows(model, [TokenPrompt(prompt["before"], prompt["question"], prompt["after"] + answer, [])],
                       [image])
