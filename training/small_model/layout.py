"""What the rows of a batch are: for each image a shared prefix, then the rows of all its questions."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch


@dataclass(frozen=True)
class Layout:
    """`[n, ...]` for n images, or for n questions once each has its own prefix."""

    prefix: int  # rows of the longest prefix
    positions: torch.Tensor  # [n, row]; every question goes on where its image's prefix ends
    is_visual: torch.Tensor  # [n, prefix]: image rows without newlines
    is_there: torch.Tensor  # [n, prefix]: False where it is padding
    question_of: torch.Tensor  # [n, question row]; -1 where it is padding
    is_asked: torch.Tensor  # [n, question row]: rows of the user's own words, which judge visual tokens
    is_last: torch.Tensor  # [n, question row]: the row that the answer follows
    questions: int  # of the image that has most
    kept: torch.Tensor | None = None  # [n, question, prefix]: what each question sees; None: all that is there

    @cached_property
    def mask(self) -> torch.Tensor:
        """`[n, 1, question row, row]`: a question's row sees the prefix and its own question's earlier rows."""
        rows = self.question_of.shape[1]
        own = (self.question_of[:, :, None] == self.question_of[:, None]).tril()
        prefix = self.is_there[:, None].expand(-1, rows, -1)
        if self.kept is not None:
            prefix = prefix & self.by_row(self.kept)
        return torch.cat([prefix, own], dim=-1)[:, None]

    def hidden(self, dtype: torch.dtype) -> torch.Tensor:
        """The same to be added to scores: minus infinity where nothing is seen."""
        return self._hidden.to(dtype)

    @cached_property
    def _hidden(self) -> torch.Tensor:
        return torch.zeros(self.mask.shape, dtype=torch.bfloat16).masked_fill(~self.mask, -torch.inf)

    def by_row(self, of_questions: torch.Tensor) -> torch.Tensor:
        """`[n, question, ...]` as `[n, question row, ...]`."""
        index = self.question_of.clamp_min(0)
        index = index.reshape(*index.shape, *[1] * (of_questions.dim() - 2)).expand(-1, -1, *of_questions.shape[2:])
        return of_questions.gather(1, index)

    def keeping(self, kept: torch.Tensor) -> "Layout":
        return replace(self, kept=kept)
