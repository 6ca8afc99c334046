"""Asks llama.cpp's server the same questions as the engine, for comparing greedy answers.

    python -m training.peer --server PATH/llama-server --model DIRECTORY --pairs pairs.json --output answers.json

`pairs.json` is a list of {"image": path beside it, "question": text}. The output repeats each pair with the answer's
"text", "tokens" and "leads": by how much (in log probability) each token beat the next best, since answers may part
where that is small. Pairs on one image should follow each other: the server then keeps the image's prefix.

Compare with SigLIP towers. llama.cpp puts CLIP's class token after the patches and so gives each patch its
neighbour's position (its issue 25814); 19 answers of 20 would part for that alone.
"""

import argparse
import base64
import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PROMPT = "USER: {image}\n{question} ASSISTANT:"
START_SECONDS = 300
ANSWER_SECONDS = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, required=True, help="the llama-server program")
    parser.add_argument("--model", type=Path, required=True, help="folder of language.gguf and vision.gguf")
    parser.add_argument("--language-model", type=Path, help="another language model file")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--prompt", default=PROMPT, help="with {image} and {question}")
    parser.add_argument("--tokens", type=int, default=12, help="tokens of an answer")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--cache-type", default="f16", choices=["f16", "f32"], help="of keys and values")
    options = parser.parse_args()
    pairs = json.loads(options.pairs.read_text())
    language = options.language_model or options.model / "language.gguf"
    with server(options.server, language, options.model / "vision.gguf", options.threads, options.context,
                options.cache_type) as address:
        answers = [pair | ask(address, options.pairs.parent / pair["image"], pair["question"], options.prompt,
                              options.tokens) for pair in pairs]
    for answer in answers:
        del answer["pieces"]
    options.output.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def server(program: Path, language: Path, vision: Path, threads: int = 2, context: int = 4096,
           cache_type: str = "f16", flash: bool = True, warm_up: bool = False) -> Iterator[str]:
    """Runs llama-server while the block runs; yields its address. `flash` chooses its attention kernel; `context` 0 is
    the model's; timings need `warm_up`, a run of every weight before the server is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [program, "-m", language, "--mmproj", vision, "--host", "127.0.0.1", "--port", str(port), "-t", str(threads),
         "-c", str(context), "-np", "1", "--warmup" if warm_up else "--no-warmup", "-ngl", "0", "--no-mmproj-offload",
         "-ctk", cache_type, "-ctv", cache_type, "-fa", "on" if flash else "off"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(process, address)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait_until_ready(process: subprocess.Popen, address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"llama-server ended with {process.returncode} before it was ready")
        try:
            request(address + "/health")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise TimeoutError(f"llama-server was not ready after {START_SECONDS} s")


def ask(address: str, image: Path, question: str, prompt: str = PROMPT, tokens: int = 12) -> dict:
    """The greedy answer: {"text", "tokens", "pieces" (bytes), "leads", "seconds"}. The question must not hold the server's media marker."""
    marker = request(address + "/props")["media_marker"]
    started = time.monotonic()
    reply = request(address + "/completion", {
        "prompt": {"prompt_string": prompt.replace("{image}", marker).replace("{question}", question),
                   "multimodal_data": [base64.b64encode(image.read_bytes()).decode()]},
        "temperature": 0, "n_predict": tokens, "return_tokens": True, "cache_prompt": True, "n_probs": 2})
    steps = reply["completion_probabilities"]
    best = [[entry["logprob"] for entry in step["top_logprobs"]] for step in steps]
    return {"text": reply["content"], "tokens": reply["tokens"], "pieces": [bytes(step["bytes"]) for step in steps],
            "leads": [round(first - second, 4) for first, second in best], "seconds": round(time.monotonic() - started, 2)}


def request(address: str, body: dict | None = None) -> dict:
    data = json.dumps(body).encode() if body is not None else None
    message = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(message, timeout=ANSWER_SECONDS) as reply:
        return json.load(reply)


if __name__ == "__main__":
    main()
