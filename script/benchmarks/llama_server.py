"""llama.cpp's server as the peer: one slot, prompt cache on, over its raw completion route."""

import argparse
import base64
import time
from pathlib import Path

from training import peer

from . import focus_run, programs
from . import options as bench_options


def answer(options: argparse.Namespace, images: list[Path], questions: int, max_tokens: int) -> dict:
    """Asks the questions on each image. The clock starts when the server is warm and ready."""
    encoded = [base64.b64encode(image.read_bytes()).decode() for image in images]
    seconds, tokens, prompts = [], 0, []
    with peer.server(programs.peer("llama-server"), bench_options.language_file(options),
                     bench_options.vision_file(options), options.threads, context=0, warm_up=True) as address:
        marker = peer.request(address + "/props")["media_marker"]
        start = time.monotonic()
        for number, image in enumerate(encoded):
            for question in focus_run.questions(questions, number):
                began = time.monotonic()
                reply = ask(address, marker, image, question, max_tokens)
                seconds.append(time.monotonic() - began)
                tokens += reply["tokens_predicted"]
                prompts.append(reply["tokens_evaluated"])
        elapsed = time.monotonic() - start
    return {"seconds": elapsed, "questions_per_second": len(seconds) / elapsed, "answer_tokens": tokens,
            "prompt_tokens": max(prompts), "seconds_each": seconds}


def ask(address: str, marker: str, image: str, question: str, max_tokens: int) -> dict:
    prompt = focus_run.PROMPT.replace("{image}", marker).replace("{question}", question)
    return peer.request(address + "/completion", {
        "prompt": {"prompt_string": prompt, "multimodal_data": [image]}, "temperature": 0, "n_predict": max_tokens,
        "ignore_eos": True, "cache_prompt": True})
