"""A batch of prompts as the language model sees them: embedded rows, and what each row is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class TokenPrompt:
    """Ids around the image. Only `question` rows judge visual tokens; `answer` is what training should produce."""

    before: list[int]
    question: list[int]
    after: list[int]
    answer: list[int]
    between: list[int] = field(default_factory=list)  # the template's, from the image to the question


@dataclass(frozen=True)
class ImageRows:
    rows: torch.Tensor  # [tokens + newlines, D]
    is_newline: torch.Tensor  # [tokens + newlines]


@dataclass(frozen=True)
class PromptRows:
    """Padded at the end, where causal rows do not look. Masks are `[n, row]`."""

    rows: torch.Tensor  # [n, row, D]
    is_visual: torch.Tensor  # image rows without newlines
    is_question: torch.Tensor
    labels: torch.Tensor  # [n, row]: the token that should follow; -100 where none is asked for
    image_ends: torch.Tensor  # [n]: the first row after the image


def image_rows(model, tokens: torch.Tensor, newlines: list[int]) -> ImageRows:
    """Projects tokens `[n, C]` and puts the newline row in its places: after the n-th token for each n.

    Tokens may be float32, as the router reads them, though the model computes in a narrower type.
    """
    projector = model.model.multi_modal_projector
    projected = projector(tokens[None].to(projector.linear_1.weight.dtype))[0]
    parts, flags, start = [], [], 0
    for end in newlines:
        parts += [projected[start:end], model.model.image_newline[None]]
        flags += [False] * (end - start) + [True]
        start = end
    flags += [False] * (len(projected) - start)
    return ImageRows(torch.cat([*parts, projected[start:]]),
                     torch.tensor(flags, dtype=torch.bool, device=tokens.device))


def prompt_rows(model, prompts: Sequence[TokenPrompt], images: Sequence[ImageRows]) -> PromptRows:
    """One image for each prompt; the same image may stand there more than once."""
    singles = [single(model, prompt, image) for prompt, image in zip(prompts, images, strict=True)]
    columns = [torch.nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=padding)
               for parts, padding in zip(zip(*singles), (0.0, False, False, -100))]
    ends = torch.tensor([len(prompt.before) + len(image.rows) for prompt, image in zip(prompts, images)])
    return PromptRows(*columns, ends.to(columns[0].device))


def single(model, prompt: TokenPrompt, image: ImageRows) -> tuple[torch.Tensor, ...]:
    embed = model.model.language_model.embed_tokens
    tail = prompt.between + prompt.question + prompt.after + prompt.answer
    before, count = len(prompt.before), len(image.rows)
    asked = before + count + len(prompt.between)
    device = image.rows.device
    ids = torch.tensor(prompt.before + tail, device=device)
    text = embed(ids)
    rows = torch.cat([text[:before], image.rows, text[before:]])
    visual = torch.zeros(len(rows), dtype=torch.bool, device=device)
    visual[before:before + count] = ~image.is_newline
    question = torch.zeros(len(rows), dtype=torch.bool, device=device)
    question[asked:asked + len(prompt.question)] = True
    labels = torch.full((len(rows),), -100, device=device)
    answer = len(prompt.answer)
    if answer:
        labels[-answer - 1:-1] = torch.tensor(prompt.answer, device=device)
    return rows, visual, question, labels
