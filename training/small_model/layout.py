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

    def sees(self, index: torch.Tensor | None = None) -> torch.Tensor:
        """`[n, 1, question row, row]`: a question's row sees the prefix and its own question's earlier rows. Of the
        question rows at `index` `[n, question row]`; all by default."""
        if index is None:
            return self._all_see
        return self._all_see.gather(2, index[:, None, :, None].expand(-1, -1, -1, self._all_see.shape[-1]))

    @cached_property
    def _all_see(self) -> torch.Tensor:
        rows = self.question_of.shape[1]
        own = (self.question_of[:, :, None] == self.question_of[:, None]).tril()
        prefix = self.is_there[:, None].expand(-1, rows, -1)
        if self.kept is not None:
            prefix = prefix & self.by_row(self.kept)
        return torch.cat([prefix, own], dim=-1)[:, None]

    def hidden(self, dtype: torch.dtype, index: torch.Tensor | None = None) -> torch.Tensor:
        """The same to be added to scores: minus infinity where nothing is seen."""
        return self._all_hidden.to(dtype) if index is None else added(self.sees(index)).to(dtype)

    @cached_property
    def _all_hidden(self) -> torch.Tensor:
        return added(self._all_see)

    def earlier(self, dtype: torch.dtype) -> torch.Tensor:
        """For the prefix `[row, row]`: each row sees itself and the earlier ones. Padding stands at the end."""
        rows = self.prefix
        return torch.full((rows, rows), -torch.inf, dtype=dtype, device=self.positions.device).triu(1)

    def by_row(self, of_questions: torch.Tensor) -> torch.Tensor:
        """`[n, question, ...]` as `[n, question row, ...]`."""
        index = self.question_of.clamp_min(0)
        index = index.reshape(*index.shape, *[1] * (of_questions.dim() - 2)).expand(-1, -1, *of_questions.shape[2:])
        return of_questions.gather(1, index)

    def keeping(self, kept: torch.Tensor) -> "Layout":
        return replace(self, kept=kept)


def added(sees: torch.Tensor) -> torch.Tensor:
    return torch.zeros(sees.shape, dtype=torch.bfloat16, device=sees.device).masked_fill(~sees, -torch.inf)
