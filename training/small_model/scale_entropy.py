"""Do the router's scales differ between an image's blocks, between images, and at one place between images?"""

from collections import defaultdict

import numpy as np

SCALES = 3


class ScaleCounts:
    def __init__(self) -> None:
        self._choices: dict[str, list[np.ndarray]] = defaultdict(list)

    def add(self, kind: str, choice: np.ndarray) -> None:
        """`choice` `[block row, block column]` of an image of this format."""
        self._choices[kind].append(choice)

    def entropies(self) -> dict[str, float]:
        """In bits. Uniform pooling has 0 for all; a fixed pattern has 0 but for "within"."""
        images = [choice.ravel() for choices in self._choices.values() for choice in choices]
        if not images:
            return {}
        shares = np.stack([share(image) for image in images])
        within, all_images = entropy(shares).mean(), entropy(shares.mean(0))
        places = [np.stack(choices).reshape(len(choices), -1) for choices in self._choices.values()]
        of_place = [entropy(np.stack([share(column) for column in place.T])).mean() for place in places]
        return {"entropy within": within, "entropy between": all_images - within,
                "entropy of place": float(np.mean(of_place)),
                **{f"scale {2 ** index}": value for index, value in enumerate(shares.mean(0))}}


def share(choices: np.ndarray) -> np.ndarray:
    return np.bincount(choices, minlength=SCALES) / len(choices)


def entropy(shares: np.ndarray) -> np.ndarray:
    """Of shares along the last dimension."""
    return -(shares * np.log2(np.maximum(shares, 1e-12))).sum(-1)
