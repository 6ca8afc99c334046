"""Questions and answers in the checkpoint's prompt, under the names that the worker's `--prompt` takes."""

from ..goldens.prompts import DEFAULT_SYSTEM, END, SPECIAL, START, TEMPLATES, stretches
from ..samplers.prompt_rows import TokenPrompt
from .conversations import Question
from .tokenizer import Tokenizer


class Prompts:
    def __init__(self, name: str, tokenizer: Tokenizer, end: int | None) -> None:
        """`end` is what ends an answer where the template has no token of its own for that."""
        self.tokenizer = tokenizer
        self.system = DEFAULT_SYSTEM.get(name)
        self.stretches = stretches(name, self.system)
        needed = {stretch for stretch in self.stretches if stretch in SPECIAL and stretch != "<image>"}
        self.ids = {token: tokenizer.special_id(token) for token in needed}
        missing = [token for token, found in self.ids.items() if found is None]
        if missing:
            raise SystemExit(f"error: --prompt {name} needs the token {missing[0]}, which the checkpoint lacks")
        self.end = self.ids.get(END, end)
        if self.end is None:
            raise SystemExit("error: the checkpoint's configuration names no end-of-text token (eos_token_id)")

    def of(self, question: Question) -> TokenPrompt:
        """Special tokens come from the template alone; the question's rows hold the user's own words."""
        before, between, asked, after = list(self.tokenizer.before), [], [], []
        part = before
        for stretch in self.stretches:
            if stretch == "<image>":
                part = between
            elif stretch in SPECIAL:
                part.append(self.ids[stretch])
            elif "{question}" in stretch:
                head, tail = stretch.split("{question}")
                ids, spans = self.tokenizer.encode(head + question.text + tail)
                first = len(head.encode())
                last = first + len(question.text.encode())
                part += [token for token, (_, end) in zip(ids, spans) if end <= first]
                asked += [token for token, (start, end) in zip(ids, spans) if start < last and end > first]
                after += [token for token, (start, _) in zip(ids, spans) if start >= last]
                part = after
            else:
                part += self.tokenizer.encode(stretch.replace("{system}", self.system or ""))[0]
        answer = self.tokenizer.encode(question.answer)[0] + [self.end]
        return TokenPrompt(before, asked, after, answer, between)


def fitting_prompt(config, tokenizer: Tokenizer) -> str:
    """The published prompt of the checkpoint's kind."""
    language = config.text_config.model_type
    if tokenizer.special_id(START) is not None:
        return "chatml"
    if language == "mistral" and config.model_type == "llava_next":
        return "llava-1.6-mistral"
    if language == "llama" and tokenizer.special_id("<|start_header_id|>") is None:
        return "llava-1.6-vicuna" if config.model_type == "llava_next" else "llava-1.5"
    raise SystemExit(f"error: no prompt is known for a {config.model_type} checkpoint on {language}; "
                     f"name one by --prompt: {', '.join(TEMPLATES)}")
