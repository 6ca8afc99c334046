"""What the rows of a batch are: for each image a shared prefix, then the rows of all its questions."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from .attention import Part

PART = 96  # rows that attention is computed for at once on CPUs


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
        return hiding(self.sees(index)).to(dtype)

    def earlier(self, dtype: torch.dtype) -> torch.Tensor:
        """For the prefix `[row, row]`: each row sees itself and the earlier ones. Padding stands at the end."""
        rows = self.prefix
        return torch.full((rows, rows), -torch.inf, dtype=dtype, device=self.positions.device).triu(1)

    @cached_property
    def parts(self) -> list[Part]:
        """All rows, with what they see."""
        earlier, found = self.earlier(torch.bfloat16), []
        for start in range(0, self.prefix, PART):
            end = min(start + PART, self.prefix)
            found.append(Part(slice(start, end), (slice(0, end),), earlier[start:end, :end]))
        rows = self.question_of.shape[1]
        sees, first = self._all_see, self._first_of_question
        for start in range(0, rows, PART):
            end, first_seen = min(start + PART, rows), int(first[:, start].min())
            prefix, own = slice(0, self.prefix), slice(self.prefix + first_seen, self.prefix + end)
            of_part = sees[:, :, start:end]
            hidden = hiding(torch.cat([of_part[..., prefix], of_part[..., own]], dim=-1))
            found.append(Part(slice(self.prefix + start, self.prefix + end), (prefix, own), hidden))
        return found

    @property
    def _first_of_question(self) -> torch.Tensor:
        """`[n, question row]`: the first row of each row's question."""
        count = self.question_of.shape[1]
        rows = torch.arange(count, device=self.question_of.device)
        begins = torch.nn.functional.pad(self.question_of, (1, 0), value=-2)[:, :-1] != self.question_of
        return torch.where(begins, rows, 0).cummax(1).values

    def by_row(self, of_questions: torch.Tensor) -> torch.Tensor:
        """`[n, question, ...]` as `[n, question row, ...]`."""
        index = self.question_of.clamp_min(0)
        index = index.reshape(*index.shape, *[1] * (of_questions.dim() - 2)).expand(-1, -1, *of_questions.shape[2:])
        return of_questions.gather(1, index)

    def keeping(self, kept: torch.Tensor) -> "Layout":
        return replace(self, kept=kept)


def hiding(sees: torch.Tensor) -> torch.Tensor:
    return torch.zeros(sees.shape, dtype=torch.bfloat16, device=sees.device).masked_fill(~sees, -torch.inf)
