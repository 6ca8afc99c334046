"""Compares the engine's greedy answers with llama.cpp's, on the same files and images.

    python -m training.parity --focus .build/release/focus --server PATH/llama-server --model DIRECTORY

Twenty pairs or more: crops of images, exactly one tile large so that neither side resizes, four questions each. Prints
the pairs that part, with the lead (in log probability) that the peer's token had where they did: answers part rightly
only where it is thin. Also how often llama.cpp agrees with itself when only its attention kernel changes: random
weights magnify every rounding.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import gguf
from PIL import Image, ImageOps

from . import peer

PHOTOGRAPHS = Path(__file__).parent.parent / "script" / "demo-images"
QUESTIONS = ["What is shown in this image?", "What colour is the largest thing?", "How many are there?", "Who made it?"]
PROMPTS = {"llava-1.5": peer.PROMPT, "llava-1.6-mistral": "[INST] {image}\n{question} [/INST]"}
THIN_LEAD = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--focus", type=Path, required=True, help="the focus program")
    parser.add_argument("--server", type=Path, required=True, help="the llama-server program")
    parser.add_argument("--model", type=Path, required=True, help="folder of language.gguf and vision.gguf")
    parser.add_argument("--language-model", type=Path, nargs="*", help="other language model files, each compared")
    parser.add_argument("--tile", type=int, default=336, help="side of the vision tower's tile in pixels")
    parser.add_argument("--images", type=Path, default=PHOTOGRAPHS, help="folder of them (default: the demonstration's)")
    parser.add_argument("--count", type=int, default=5, help="of the images that are taken")
    parser.add_argument("--questions", nargs="+", default=QUESTIONS)
    parser.add_argument("--prompt", choices=PROMPTS, default="llava-1.5", help="that the model was trained with")
    parser.add_argument("--one-tile", action="store_true", help="take a LLaVA-NeXT vision file for LLaVA-1.5's")
    parser.add_argument("--tokens", type=int, default=12)
    parser.add_argument("--cache-type", default="f16", choices=["f16", "f32"], help="of llama.cpp's keys and values")
    options = parser.parse_args()
    for language in options.language_model or [options.model / "language.gguf"]:
        compare(options, language)


def compare(options: argparse.Namespace, language: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        vision = options.model / "vision.gguf"
        if options.one_tile:
            vision = without_grids(vision, Path(folder) / "vision.gguf")
        images = crops(options.images, Path(folder), options.tile, options.count)
        ours = answers(options, language, vision, images, Path(folder))
        theirs, itself = (peer_answers(options, language, vision, images, flash) for flash in (True, False))
    equal = 0
    unexplained = 0
    for pair, their in theirs.items():
        place = first_difference(ours[pair], their["pieces"])
        if place is None:
            equal += 1
            continue
        lead = min(their["leads"][start_of_word(their["pieces"], place):place + 1])
        unexplained += lead >= THIN_LEAD
        print(f"  {pair[0]}, {pair[1]}: part at token {place}, where llama.cpp's lead is {lead}"
              + ("" if lead < THIN_LEAD else ": NOT THIN")
              + f"; ours {ours[pair]!r}, llama.cpp's {b''.join(their['pieces']).decode(errors='replace').strip()!r}")
    same = sum(theirs[pair]["tokens"] == itself[pair]["tokens"] for pair in theirs)
    print(f"{language}: {equal} of {len(theirs)} answers of {options.tokens} tokens equal, {unexplained} part where the"
          f" lead is not thin; {len(set(ours.values()))} distinct;"
          f" llama.cpp with and without flash attention: {same} of {len(theirs)} equal")


def peer_answers(options: argparse.Namespace, language: Path, vision: Path, images: list[Path], flash: bool) -> dict:
    with peer.server(options.server, language, vision, cache_type=options.cache_type, flash=flash) as address:
        return {(image.name, question): peer.ask(address, image, question, PROMPTS[options.prompt], options.tokens)
                for image in images for question in options.questions}


def first_difference(ours: str, pieces: list[bytes]) -> int | None:
    """The first of the peer's tokens that our answer does not go on with; None where the texts are equal."""
    theirs = b"".join(pieces).decode(errors="replace").strip()
    if ours == theirs:
        return None
    for count in range(1, len(pieces) + 1):
        start = b"".join(pieces[:count]).decode(errors="ignore").strip()
        if not ours.startswith(start):
            return count - 1
    return len(pieces) - 1


def start_of_word(pieces: list[bytes], place: int) -> int:
    """A lone space before the token may be where the answers part: ours may hold the word that begins with one."""
    while place > 0 and not pieces[place - 1].strip():
        place -= 1
    return place


def answers(options: argparse.Namespace, language: Path, vision: Path, images: list[Path], folder: Path) -> dict:
    jobs = [{"job_id": image.name, "image": {"uri": image.name},
             "questions": [{"question_id": question, "text": question} for question in options.questions]} for image in images]
    (folder / "jobs.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))
    subprocess.run(
        [options.focus, "run", "--language-model", language, "--vision-model", vision, "--vision-type", "file",
         "--compression", "none", "--selection", "none", "--cache", "none",
         "--device", "cpu", "--prompt", options.prompt, "--max-tokens", str(options.tokens), "--image-root", folder,
         "--input", folder / "jobs.jsonl", "--output", folder / "results.jsonl"], check=True,
        stderr=subprocess.DEVNULL)
    results = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    return {(result["job_id"], result["question_id"]): result["answer"].strip() for result in results}


def without_grids(source: Path, target: Path) -> Path:
    """A copy of a vision file that cuts no image into tiles."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name not in {"general.architecture",
                                                                     "clip.vision.image_grid_pinpoints"}:
            kinds = field.types + [None]
            writer.add_key_value(field.name, field.contents(), kinds[0], kinds[1])
    for tensor in reader.tensors:
        if "image_newline" not in tensor.name:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def crops(source: Path, folder: Path, side: int, count: int) -> list[Path]:
    """The middle of each of the first images, scaled and cut to `side` × `side` pixels."""
    paths = sorted(path for path in source.iterdir() if path.suffix in {".jpg", ".png", ".webp"})[:count]
    if not paths:
        raise SystemExit(f"error: no .jpg, .png or .webp file lies in {source}; --images names a folder of them")
    made = []
    for path in paths:
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        made.append(folder / f"{path.stem}.png")
        ImageOps.fit(image, (side, side)).save(made[-1])
    return made


if __name__ == "__main__":
    main()
