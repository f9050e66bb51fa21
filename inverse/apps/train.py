"""``inverse train``: train a prior on a folder or zip of images."""

import torch
from omegaconf import DictConfig, OmegaConf

from inverse.apps.configuration import Job
from inverse.apps.device import pick_device


def run(config: DictConfig) -> None:
    from inverse.priors import EDMPrior
    from inverse.training.data import ImageSource
    from inverse.training.trainer import Recipe, Trainer

    if config.threads:
        torch.set_num_threads(config.threads)
    recipe = Recipe(**config.recipe)
    torch.manual_seed(recipe.seed)
    network = OmegaConf.to_container(config.network)
    prior = EDMPrior(network, config.precision)  # pyright: ignore[reportArgumentType]
    trainer = Trainer(prior, recipe, config.out, pick_device(config.device))
    images = ImageSource(config.images)
    validation = ImageSource(config.validation) if config.validation else None
    size = sum(p.numel() for p in prior.parameters()) / 1e6
    print(f"{len(images)} images, {size:.2f} M parameters, from step {trainer.step}")
    for report in trainer.run(images, validation):
        print("  ".join(f"{key} {value:.6g}" for key, value in report.items()), flush=True)


def main() -> None:
    """The app's entry point."""
    Job(run, "train").run()
