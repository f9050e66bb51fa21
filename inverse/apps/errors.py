"""`inverse errors`: measure how wrong a prior is, frequency by frequency, once."""

import torch
from omegaconf import DictConfig
from torch import Tensor

from inverse.apps.configuration import ConfigurationError, build
from inverse.apps.device import pick_device
from inverse.apps.job import HydraJob
from inverse.apps.values import Count, Name
from inverse.denoise import beside, measure_errors
from inverse.restoring import Place, photograph, photographs
from operators import Rng, seed_for


class Values:
    """What may stand in conf/errors.yaml."""

    images: Name | None
    side: Count
    count: Count
    device: str


def run(config: DictConfig) -> None:
    if config.images is None:
        raise ConfigurationError("images is missing: give a folder of clean ones, images=FOLDER")
    place = config.prior.get("path") or config.prior.get("weights")
    if place is None:
        raise ConfigurationError("the prior has no file beside which its errors could be kept")
    device = pick_device(config.device)
    prior = build(config.prior).to(device)
    images = torch.stack([_middle(f, config.side) for f in _some(config)]).to(device)
    rng = Rng([seed_for(n, "errors") for n in range(len(images))], device)
    with torch.no_grad():
        table = measure_errors(prior, images, rng)
    table.save(beside(place))
    print(f"errors on {len(images)} images of {config.side} pixels -> {beside(place)}")


def _some(config: DictConfig) -> list[Place]:
    """At most `count` of the images, evenly spread."""
    files = list(photographs(config.images).values())
    return files[:: -(-len(files) // config.count)]


def _middle(file: Place, side: int) -> Tensor:
    """The middle side x side pixels of a photograph, as they are.

    Raises:
        ConfigurationError: for one that is smaller.
    """
    image = photograph(file)
    height, width = image.shape[1:]
    if min(height, width) < side:
        raise ConfigurationError(f"{file} is smaller than side={side}; give a smaller one")
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, top : top + side, left : left + side]


def main() -> None:
    """The app's entry point."""
    HydraJob(run, "errors", Values).run()
