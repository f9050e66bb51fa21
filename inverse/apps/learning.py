"""`inverse train measurements=...`: a prior from measurements alone."""

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from omegaconf import DictConfig

from inverse.apps.configuration import build
from inverse.apps.device import pick_device

if TYPE_CHECKING:
    from inverse.training.observed import Observations


def run(config: DictConfig) -> None:
    """Lap after lap: complete the measurements, train on them; keep the lap that explains most."""
    from inverse.denoise import FieldPrior, check
    from inverse.priors import load_prior
    from inverse.training.expectation import Expectation
    from inverse.training.learning import Maximisation, lap_folder, learn
    from inverse.training.mixtures import fit_gaussian
    from inverse.training.observed import Observations

    recipe, folder, device = build(config.recipe), Path(config.out), pick_device(config.device)
    data = Observations.load(config.measurements, build(config.noise))
    fits(data, recipe.patch)
    kept, held = data.split(config.heldout)
    torch.manual_seed(recipe.seed)
    network = build(config.network, precision=config.precision)
    check(frozenset({network.coordinates}), data.problems[0], "learning from measurements")
    expectation = Expectation(build(config.solver), recipe.seed)
    train = Maximisation(lambda: network, recipe, folder, device, config.workers or 1)
    prior: FieldPrior = (
        load_prior(config.weights, config.precision)
        if config.weights
        else fit_gaussian(kept, held, config.rank, seed=recipe.seed)
    )
    found: list[float] = []
    for lap in learn(prior.to(device), kept, held, expectation, train, config.laps):
        print(f"lap {lap.number}  evidence {lap.evidence:.4f} nats per measured value", flush=True)
        if lap.number and lap.evidence >= max(found[1:], default=-math.inf):
            shutil.copy(lap_folder(folder, lap.number) / "prior.safetensors", folder)
        found.append(lap.evidence)
    if max(found) == found[0]:
        print("no lap explains more than the start: give each more time (recipe.minutes)")


def fits(data: "Observations", patch: int) -> None:
    """Raise ValueError unless the measurements are of pictures that the recipe trains on."""
    if data.shape != (3, patch, patch):
        raise ValueError(
            f"measurements are of pictures {data.shape}, and recipe.patch={patch} trains on "
            f"{(3, patch, patch)}; cut the measurements, or give recipe.patch their side"
        )
