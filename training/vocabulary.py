"""Tokenizers: small trained ones, or one taken from a GGUF file; and their GGUF keys."""

import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import gguf
import sentencepiece
import tokenizers

from .text import sentences

NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE = (gguf.TokenType.NORMAL, gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL,
                                          gguf.TokenType.UNUSED, gguf.TokenType.BYTE)
SMALL = 640  # tokens that the training text is good for
LLAMA_ADDED = ["<image>", "<pad>"]  # what Hugging Face's LLaVA checkpoints add
QWEN_ADDED = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>"]
QWEN_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
              r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
          " + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


@dataclass
class Vocabulary:
    """What a GGUF file says about its tokens. `source` is the trained tokenizer's own file."""

    model: str  # tokenizer.ggml.model: "llama" (SentencePiece) or "gpt2" (byte-level)
    pre: str
    tokens: list[str]
    types: list[int]
    scores: list[float] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    special: dict[str, int] = field(default_factory=dict)  # bos, eos, unk, pad
    add_bos: bool = False
    chat_template: str | None = None
    source: bytes = b""

    def write(self, writer: gguf.GGUFWriter) -> None:
        writer.add_tokenizer_model(self.model)
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        if self.scores:
            writer.add_token_scores(self.scores)
        writer.add_token_types(self.types)
        if self.merges:
            writer.add_token_merges(self.merges)
        setters = {"bos": writer.add_bos_token_id, "eos": writer.add_eos_token_id,
                   "unk": writer.add_unk_token_id, "pad": writer.add_pad_token_id}
        for name, token in self.special.items():
            setters[name](token)
        writer.add_add_bos_token(self.add_bos)
        writer.add_add_eos_token(False)
        if self.chat_template:
            writer.add_chat_template(self.chat_template)


def train_llama(size: int, text: list[str] | None = None) -> Vocabulary:
    """A SentencePiece vocabulary with the settings of LLaMA's, of the given sentences."""
    output = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text or sentences()), model_writer=output, vocab_size=size - len(LLAMA_ADDED),
        model_type="bpe", byte_fallback=True, character_coverage=1.0, split_digits=True, num_threads=1,
        normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True,
        allow_whitespace_only_pieces=True, minloglevel=2)
    return llama_from_model(output.getvalue())


def llama_from_model(model: bytes) -> Vocabulary:
    """`model` is a SentencePiece model file's content; LLaVA's two tokens are added at its end."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    ids = range(processor.vocab_size())
    kind = lambda i: (UNKNOWN if processor.is_unknown(i) else CONTROL if processor.is_control(i)
                      else BYTE if processor.is_byte(i) else NORMAL)
    return Vocabulary(
        "llama", "default",
        tokens=[processor.id_to_piece(i) for i in ids] + LLAMA_ADDED,
        types=[kind(i) for i in ids] + [CONTROL] * len(LLAMA_ADDED),
        scores=[processor.get_score(i) for i in ids] + [-1000.0] * len(LLAMA_ADDED),
        special={"bos": 1, "eos": 2, "unk": 0, "pad": len(ids) + 1}, add_bos=True, source=model)


def train_qwen2(size: int) -> Vocabulary:
    """A byte-level vocabulary with Qwen2's splitting of words."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(QWEN_SPLIT), "isolated")
    to_bytes = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([split, to_bytes])
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size - len(QWEN_ADDED), show_progress=False,
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(sentences(), trainer)
    tokenizer.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in QWEN_ADDED])
    return qwen2_from_json(tokenizer.to_str())


def qwen2_from_json(text: str) -> Vocabulary:
    tokenizer = tokenizers.Tokenizer.from_str(text)
    size = tokenizer.get_vocab_size()
    added = tokenizer.get_added_tokens_decoder()
    merges = [" ".join(pair) for pair in json.loads(text)["model"]["merges"]]
    end, stop = tokenizer.token_to_id("<|endoftext|>"), tokenizer.token_to_id("<|im_end|>")
    return Vocabulary(
        "gpt2", "qwen2", tokens=[tokenizer.id_to_token(i) for i in range(size)],
        types=[CONTROL if i in added else NORMAL for i in range(size)], merges=merges,
        special={"bos": end, "eos": stop, "pad": end}, chat_template=CHATML, source=text.encode())


def from_gguf(path: Path) -> Vocabulary:
    """The vocabulary of any GGUF file, a vocabulary-only one included."""
    fields = gguf.GGUFReader(path).fields
    read = lambda key, default=None: fields[key].contents() if key in fields else default
    names = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    special = {ours: read(f"tokenizer.ggml.{theirs}_token_id") for ours, theirs in names.items()}
    return Vocabulary(
        read("tokenizer.ggml.model"), read("tokenizer.ggml.pre", "default"), read("tokenizer.ggml.tokens"),
        read("tokenizer.ggml.token_type"), read("tokenizer.ggml.scores", []), read("tokenizer.ggml.merges", []),
        {name: token for name, token in special.items() if token is not None},
        read("tokenizer.ggml.add_bos_token", False), read("tokenizer.chat_template"))


def small(architecture: str, size: int) -> Vocabulary:
    """A trained vocabulary of at most `SMALL` tokens, filled up to `size`."""
    train = train_llama if architecture == "llama" else train_qwen2
    return padded(train(min(size, SMALL)), size)


def padded(tokens: Vocabulary, size: int) -> Vocabulary:
    """Fills a vocabulary up to `size` with unused tokens, as the converters do."""
    missing = range(len(tokens.tokens), size)
    return replace(tokens, tokens=tokens.tokens + [f"[PAD{i}]" for i in missing],
                   types=tokens.types + [UNUSED] * len(missing),
                   scores=tokens.scores + [-10000.0] * len(missing) if tokens.scores else [])
