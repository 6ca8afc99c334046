"""A checkpoint's tokenizer, applied to plain text as llama.cpp does: no special token is looked for."""

import itertools
import json
from pathlib import Path

import sentencepiece
import tokenizers
from transformers.utils import cached_file

Span = tuple[int, int]  # of bytes, half open


class Tokenizer:
    """`tokenizer.model` (SentencePiece) where the checkpoint has one, as llama.cpp's converter prefers, else
    `tokenizer.json`."""

    def __init__(self, checkpoint: str) -> None:
        """`checkpoint` is a folder, or a name on Hugging Face's hub."""
        model, whole = (read(checkpoint, name) for name in ("tokenizer.model", "tokenizer.json"))
        if model is None and whole is None:
            raise SystemExit(f"error: {checkpoint} has neither tokenizer.model nor tokenizer.json")
        content = json.loads(whole) if whole is not None else {}
        self.special = {token["content"]: token["id"] for token in content.get("added_tokens", [])}
        self.special |= json.loads(read(checkpoint, "added_tokens.json") or "{}")
        configuration = json.loads(read(checkpoint, "tokenizer_config.json") or "{}")
        if model is not None:
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
            self.before = [self._pieces.bos_id()] if configuration.get("add_bos_token", True) else []
            return
        self._pieces = None
        self._plain = tokenizers.Tokenizer.from_str(json.dumps(content | {"added_tokens": [], "post_processor": None}))
        first = tokenizers.Tokenizer.from_str(whole.decode()).encode("a").ids
        self.before = first[:1] if first[1:] == self.encode("a")[0] else []

    def encode(self, text: str) -> tuple[list[int], list[Span]]:
        """Ids, and the bytes of `text` that each came from."""
        if self._pieces is None:
            found = self._plain.encode(text, add_special_tokens=False)
            place = [0, *itertools.accumulate(len(character.encode()) for character in text)]
            return found.ids, [(place[start], place[end]) for start, end in found.offsets]
        ids = self._pieces.encode(text)
        lengths = [1 if self._pieces.is_byte(token) else len(self._pieces.id_to_piece(token).replace("▁", " ").encode())
                   for token in ids]
        # SentencePiece may put a space before the text: at -1 then.
        ends = list(itertools.accumulate(lengths, initial=len(text.encode()) - sum(lengths)))
        return ids, list(itertools.pairwise(ends))

    def special_id(self, token: str) -> int | None:
        if token in self.special:
            return self.special[token]
        if self._pieces is not None:
            found = self._pieces.piece_to_id(token)
            return None if found == self._pieces.unk_id() else found
        return None


def read(checkpoint: str, name: str) -> bytes | None:
    path = cached_file(checkpoint, name, _raise_exceptions_for_missing_entries=False)
    return None if path is None else Path(path).read_bytes()
