"""Priors as the command line names them (``conf/prior/``): loaded and, where asked for, tiled."""

from pathlib import Path

from inverse.denoise import Prior
from inverse.priors.edm import load_prior
from inverse.priors.hub import scheduler_name
from inverse.priors.pixel import DiffusersPrior
from inverse.priors.preconditioned import PreconditionedPrior
from inverse.priors.tiled import Tiled

BUNDLED = Path(__file__).parent.parent / "assets" / "prior.safetensors"


def from_file(
    path: str | Path = BUNDLED, precision: str = "float32", tile: int | None = None
) -> Prior:
    """A prior of `inverse train`; the bundled one by default. ``tile``: as in `Tiled`, or None."""
    return tiled(load_prior(path, precision), tile)


def from_diffusers(
    path: str | Path,
    precision: str = "float32",
    label: int | None = None,
    clip: bool | None = None,
    timesteps: str = "interpolate",
    tile: int | None = None,
) -> Prior:
    """As `DiffusersPrior.from_pretrained`, or `PreconditionedPrior`'s for an EDM scheduler.

    Args:
        clip, timesteps: for the former only. tile: as in `Tiled`, or None.
    """
    if scheduler_name(path).startswith("EDM"):
        if clip or timesteps != "interpolate":
            raise ValueError(f"prior {path}: an EDM network has neither timesteps nor a clipped x0")
        return tiled(PreconditionedPrior.from_pretrained(path, precision, label), tile)
    prior = DiffusersPrior.from_pretrained(path, precision, label, clip, timesteps)
    return tiled(prior, tile)


def tiled(prior: Prior, tile: int | None) -> Prior:
    """The prior in tiles of that side; as it is for None."""
    return prior if tile is None else Tiled(prior, tile)
