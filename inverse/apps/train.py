"""`inverse train`: train a prior on a folder or zip of images, or on measurements alone."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from omegaconf import DictConfig

from inverse.apps import learning
from inverse.apps.configuration import ConfigurationError, build
from inverse.apps.device import pick_device
from inverse.apps.job import HydraJob
from inverse.apps.tasks import task
from inverse.apps.values import Count, Name

if TYPE_CHECKING:
    from inverse.priors import EDMPrior
    from inverse.training.data import ImageSource
    from inverse.training.telling import Telling


class Values:
    """What may stand in conf/train.yaml."""

    images: str | Sequence[str] | None
    measurements: Name | None
    laps: Count
    rank: Count
    heldout: float
    cache: Name | None
    validation: Name | None
    labels: bool
    operators: Sequence[str]
    weights: Name | None
    out: Name
    device: str
    precision: str
    threads: Count | None
    workers: Count | None


def run(config: DictConfig) -> None:
    from inverse.training.data import DecodedImages, ImageSource
    from inverse.training.trainer import Trainer

    if config.threads:
        torch.set_num_threads(config.threads)
    if config.measurements:
        learning.run(config)
        return
    if config.images is None:
        raise ConfigurationError("images is missing: give a folder or zip, or measurements=y.npy")
    recipe = build(config.recipe)
    paths = [config.images] if isinstance(config.images, str) else list(config.images)
    images = [ImageSource(path) for path in paths]
    validation = ImageSource(config.validation) if config.validation else None
    classes = classes_of(images) if config.labels else []
    torch.manual_seed(recipe.seed)
    prior = _begun(config, classes)
    device = pick_device(config.device)
    workers = config.workers or (1 if device == "cpu" else min(8, os.cpu_count() or 1))
    trainer = Trainer(
        prior, recipe, config.out, device, workers, tell=_tell(config, prior, recipe.seed)
    )
    size = sum(p.numel() for p in prior.parameters()) / 1e6
    what = f"{sum(map(len, images))} images" + (f" of {len(classes)} classes" if classes else "")
    if trainer.team.rank == 0:
        print(f"{what}, {size:.2f} M parameters, from step {trainer.step}", flush=True)
    if config.cache:
        images = [
            DecodedImages(source, Path(config.cache) / f"{number}-{source.path.stem}.bytes")
            for number, source in enumerate(images)
        ]
    for report in trainer.run(images, validation):
        print("  ".join(f"{key} {value:.6g}" for key, value in report.items()), flush=True)


def _begun(config: DictConfig, classes: list[str]) -> "EDMPrior":
    """The network at first: random, or of the given weights, informed of what it is to be."""
    from inverse.priors import load_prior, widened

    if not config.weights:
        return build(config.network, classes=classes, precision=config.precision)
    prior, informed = load_prior(config.weights, config.precision), config.network.informed
    if informed and prior.config["informed"] != list(informed):
        prior = widened(prior, informed, config.precision, config.network.paired)
    return prior.requires_grad_(True)


def _tell(config: DictConfig, prior: "EDMPrior", seed: int) -> "Telling | None":
    """What an informed network is told of the patches."""
    from inverse.denoise import cue
    from inverse.training.telling import Telling

    informed = prior.config["informed"]
    if not informed and config.operators:
        raise ConfigurationError(
            "operators are measured to inform a network: give network.informed=[wiener], say"
        )
    tasks = [task(choice) for choice in config.operators]
    return Telling(cue(informed), tasks, build(config.noise), seed) if informed else None


def classes_of(images: "list[ImageSource]") -> list[str]:
    """The classes of one source.

    Raises:
        ValueError: for several, whose folders need not mean the same.
    """
    if len(images) > 1:
        raise ValueError("labels=true takes the images of one folder or zip, not of several")
    return images[0].classes


def main() -> None:
    """The app's entry point."""
    HydraJob(run, "train", Values).run()
