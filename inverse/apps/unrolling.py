"""`inverse tune method=unrolled`: train a prior's network through the whole walk of a solver."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from torch import Tensor

from inverse.apps.configuration import ConfigurationError, build
from inverse.apps.device import pick_device
from inverse.apps.tasks import task
from inverse.samplers import Descent

if TYPE_CHECKING:
    from inverse.training.recipe import Recipe


def run(config: DictConfig) -> None:
    """Write the tuned network, and print how to restore with it."""
    from inverse.priors import EDMPrior, save_prior
    from inverse.training.tuning import tune
    from inverse.training.unrolled import Learned, Told

    recipe, device = build(config.recipe), pick_device(config.device)
    choices = HydraConfig.get().runtime.choices
    prior = build(config.prior)
    if not isinstance(prior, EDMPrior):
        raise ConfigurationError(
            "method=unrolled trains a network of inverse train, whole: prior=bundled or file, "
            "without tile, grey or compile"
        )
    told = Told(prior) if config.learn_levels else prior
    sampler = build(config.solver)(told.requires_grad_(True))
    if not isinstance(sampler, Descent):
        raise ConfigurationError(f"solver={choices['solver']} has no one walk to tune; take idm")
    if config.learn_levels:
        sampler.grid = Learned(sampler.grid(None))
    sampler.to(device)
    made, pictures = list(map(task, config.operators)), _pictures(config.images, recipe, device)
    for report in tune(sampler, made, build(config.noise), pictures, recipe):
        print("  ".join(f"{key} {value:.6g}" for key, value in report.items()), flush=True)
    tuned = {"solver": choices["solver"], "operators": list(config.operators)}
    prior.config = prior.config | {"unrolled": tuned}
    path = Path(config.out or Path(HydraConfig.get().runtime.output_dir) / "prior.safetensors")
    save_prior(prior, path)
    found = ""
    if isinstance(sampler.grid, Learned):
        found = f" solver.levels=[{','.join(f'{nsr:.4g}' for nsr in sampler.grid.nsrs)}]"
    print(f"inverse restore prior=file prior.path={path} solver={choices['solver']}{found}")


def _pictures(images: str, recipe: "Recipe", device: str) -> Callable[[int], Tensor]:
    """Step -> patches of the images (B, 3, H, W)."""
    from inverse.training.data import ImageSource
    from inverse.training.patches import Patches

    source, size = ImageSource(images), recipe.batch
    stream = Patches(
        [source], recipe.patch, recipe.seed, recipe.steps * size, recipe.whole, (),
        recipe.rescale, recipe.flat,
    )  # fmt: skip

    def batch(step: int) -> Tensor:
        return torch.stack([stream[step * size + k].x0 for k in range(size)]).to(device)

    return batch
