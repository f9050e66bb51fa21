"""``inverse train``: train a prior on a folder or zip of images."""

import torch
from omegaconf import DictConfig

from inverse.apps.configuration import Job, build
from inverse.apps.device import pick_device


def run(config: DictConfig) -> None:
    from inverse.training.data import ImageSource
    from inverse.training.trainer import Trainer

    if config.threads:
        torch.set_num_threads(config.threads)
    recipe = build(config.recipe)
    images = ImageSource(config.images)
    validation = ImageSource(config.validation) if config.validation else None
    classes = images.classes if config.labels else []
    torch.manual_seed(recipe.seed)
    prior = build(config.network, classes=classes, precision=config.precision)
    trainer = Trainer(prior, recipe, config.out, pick_device(config.device))
    size = sum(p.numel() for p in prior.parameters()) / 1e6
    what = f"{len(images)} images" + (f" of {len(classes)} classes" if classes else "")
    if trainer.team.rank == 0:
        print(f"{what}, {size:.2f} M parameters, from step {trainer.step}", flush=True)
    for report in trainer.run(images, validation):
        print("  ".join(f"{key} {value:.6g}" for key, value in report.items()), flush=True)


def main() -> None:
    """The app's entry point."""
    Job(run, "train").run()
