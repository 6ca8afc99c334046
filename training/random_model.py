"""Writes LLaVA models with random weights: a GGUF pair and, if asked, a sampler and a Hugging Face checkpoint.

    python -m training.random_model --shape tiny-1.5 --output DIRECTORY
"""

import argparse
from dataclasses import replace
from pathlib import Path

from . import vocabulary
from .gguf_files import write_language, write_vision
from .shapes import SHAPES, Shape
from .weights import random_values


def main() -> None:
    options = arguments()
    shape = chosen_shape(options)
    size = shape.language.vocabulary
    tokens = vocabulary.padded(vocabulary.from_gguf(options.vocab), size) if options.vocab else \
        vocabulary.small(shape.language.architecture, size)
    options.output.mkdir(parents=True, exist_ok=True)
    values = random_values(options.seed)
    write_language(options.output / "language.gguf", shape, tokens, options.language_type, values)
    write_vision(options.output / "vision.gguf", shape, options.vision_type, values,
                 legacy=options.vision_names == "legacy", names_feature_layer=not options.no_feature_layer)
    if options.sampler != "none":
        write_random_sampler(options, shape)
    if options.checkpoint:
        from .checkpoint import write_checkpoint
        write_checkpoint(options.checkpoint, shape, tokens, values)


def write_random_sampler(options: argparse.Namespace, shape: Shape) -> None:
    from .samplers.random_router import random_router
    from .samplers.sampler_file import vision_digest, write_sampler
    from .samplers.settings import SamplerSettings, default_pooling, default_selection_layer
    from .samplers.vision_guided import VisionGuidedSampler
    settings = SamplerSettings(
        options.sampler, options.pooling or default_pooling(options.sampler), visual_budget=options.visual_budget,
        selection_layer=default_selection_layer(shape.language.layers))
    router = random_router(shape.vision.width, options.seed) if options.sampler == "learned" else None
    write_sampler(options.output / "sampler.gguf", VisionGuidedSampler(settings, router), shape.vision.width,
                  vision_digest(options.output / "vision.gguf"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder for language.gguf and vision.gguf")
    parser.add_argument("--checkpoint", type=Path, help="folder for a Hugging Face checkpoint in F32")
    parser.add_argument("--architecture", choices=["llama", "qwen2"], default="llama")
    parser.add_argument("--vision", choices=["clip", "siglip"], default="clip")
    parser.add_argument("--kv-heads", type=int, help="fewer than the heads: grouped-query attention")
    parser.add_argument("--rope-factor", type=float, help="linear scaling of positions")
    parser.add_argument("--context", type=int, help="context length that the file states")
    parser.add_argument("--language-type", default="F32",
                        help="F32, F16, BF16, Q8_0, Q4_0, ...; K-quants: llama-quantize")
    parser.add_argument("--vision-type", default="F32", choices=["F32", "F16", "BF16", "Q8_0"])
    parser.add_argument("--vision-names", default="legacy", choices=["legacy", "current"],
                        help="legacy: feed-forward names swapped, model.image_newline, as LLaVA files in use have")
    parser.add_argument("--no-feature-layer", action="store_true", help="leave the key out, as older files do")
    parser.add_argument("--sampler", default="none", choices=["learned", "density", "none"],
                        help="also write sampler.gguf; learned: with random router weights")
    parser.add_argument("--pooling", choices=["max", "mean"], help="of the sampler; learned: max, density: mean")
    parser.add_argument("--visual-budget", type=float, help="share of visual tokens that the sampler states")
    parser.add_argument("--vocab", type=Path, help="GGUF file to take the vocabulary from")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def chosen_shape(options: argparse.Namespace) -> Shape:
    shape = SHAPES[options.shape]
    language = replace(
        shape.language, architecture=options.architecture, rope_factor=options.rope_factor,
        kv_heads=options.kv_heads or shape.language.kv_heads, context=options.context or shape.language.context)
    return replace(shape, vision=replace(shape.vision, kind=options.vision), language=language)


if __name__ == "__main__":
    main()
