"""A router, and a place embedding, with random weights, to test with."""

import torch

from ..weights import draw
from .place import PlaceEmbedding
from .router import Router


def random_router(feature_length: int, seed: int, scale_count: int = 3) -> Router:
    """Half as wide as the features, four heads; every tensor depends on its name and the seed alone."""
    router = Router(feature_length, feature_length // 2, 4, scale_count)
    router.load_state_dict({name: torch.from_numpy(draw(f"router.{name}", tuple(values.shape), seed))
                            for name, values in router.state_dict().items()})
    return router.eval()


def random_place(feature_length: int, seed: int) -> PlaceEmbedding:
    place = PlaceEmbedding(feature_length)
    place.load_state_dict({"weight": torch.from_numpy(draw("place.weight", tuple(place.weight.shape), seed))})
    return place.eval()
