"""A network learned from measurements: trained on pictures completed by itself, lap after lap."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from inverse.denoise import FieldPrior, Prior
from inverse.priors import EDMPrior, load_prior
from inverse.training.cycle import Cycle, Lap
from inverse.training.data import ImageSource
from inverse.training.evidence import log_evidence
from inverse.training.expectation import Expectation
from inverse.training.observed import Observations
from inverse.training.recipe import Recipe
from inverse.training.trainer import Trainer


class Maximisation:
    """Trains a network on the completed pictures of a lap, from its weights of the lap before.

    Each lap runs the whole recipe, under a seed of its own, in a folder of its own (`lap_folder`),
    from whose checkpoint it goes on when it was broken off.

    Args:
        untrained: makes the network of the first lap, where there is none before.
    """

    def __init__(
        self,
        untrained: Callable[[], EDMPrior],
        recipe: Recipe,
        folder: str | Path,
        device: str = "cpu",
        workers: int = 1,
    ) -> None:
        self.untrained, self.recipe, self.folder = untrained, recipe, Path(folder)
        self.device, self.workers = device, workers

    def __call__(self, prior: Prior, images: ImageSource, lap: int) -> EDMPrior:
        network = prior if isinstance(prior, EDMPrior) else self.untrained()
        recipe = replace(self.recipe, seed=self.recipe.seed + lap)
        place = lap_folder(self.folder, lap)
        trainer = Trainer(network.requires_grad_(True), recipe, place, self.device, self.workers)
        for _ in trainer.run([images]):
            pass  # each writes a checkpoint
        return load_prior(place / "prior.safetensors", network.precision).to(trainer.device)


def learn(
    prior: FieldPrior,
    observations: Observations,
    heldout: Observations,
    expectation: Expectation,
    maximisation: Maximisation,
    laps: int,
) -> Iterator[Lap]:
    """Yield the prior as it is given, and the network after each lap of a `Cycle`.

    Run again it goes on where it was broken off: pictures that were completed and laps that were
    trained are not done again.
    """

    def complete(model: Prior, lap: int) -> ImageSource:
        place = lap_folder(maximisation.folder, lap) / "completed"
        return expectation.images(model, observations, lap, place)

    def evidence(model: FieldPrior) -> float:
        return log_evidence(model, heldout)

    cycle = Cycle[FieldPrior, ImageSource](complete, maximisation, evidence, laps)
    return cycle.run(prior)


def lap_folder(folder: Path, lap: int) -> Path:
    """Where the files of a lap lie."""
    return folder / f"lap-{lap:02}"
