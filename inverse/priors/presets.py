"""Priors as the command line names them (``conf/prior/``): loaded, made faster and tiled."""

from pathlib import Path

from inverse.denoise import Prior
from inverse.priors.edm import load_prior
from inverse.priors.faster import faster
from inverse.priors.hub import scheduler_name
from inverse.priors.pixel import DiffusersPrior
from inverse.priors.preconditioned import PreconditionedPrior
from inverse.priors.tiled import Tiled

BUNDLED = Path(__file__).parent.parent / "assets" / "prior.safetensors"


def from_file(
    path: str | Path = BUNDLED,
    precision: str = "float32",
    tile: int | None = None,
    channels_last: bool | None = None,
    weights: str | None = None,
    compile: bool = False,
    reuse: int = 1,
) -> Prior:
    """A prior of `inverse train`; the bundled one by default.

    Args:
        tile: as in `Tiled`, or None. channels_last, weights, compile, reuse: as in `faster`.
    """
    prior = load_prior(path, precision)
    quick = faster(
        prior, channels_last=channels_last, weights=weights, compile=compile, reuse=reuse
    )
    return tiled(quick, tile)


def from_diffusers(
    path: str | Path,
    precision: str = "float32",
    label: int | None = None,
    clip: bool | None = None,
    timesteps: str = "interpolate",
    tile: int | None = None,
    channels_last: bool | None = None,
    weights: str | None = None,
    compile: bool = False,
    reuse: int = 1,
) -> Prior:
    """As `DiffusersPrior.from_pretrained`, or `PreconditionedPrior`'s for an EDM scheduler.

    Args:
        clip, timesteps: for the former only. tile: as in `Tiled`, or None.
        channels_last, weights, compile, reuse: as in `faster`.
    """
    if scheduler_name(path).startswith("EDM"):
        if clip or timesteps != "interpolate":
            raise ValueError(f"prior {path}: an EDM network has neither timesteps nor a clipped x0")
        prior = PreconditionedPrior.from_pretrained(path, precision, label)
    else:
        prior = DiffusersPrior.from_pretrained(path, precision, label, clip, timesteps)
    quick = faster(
        prior, channels_last=channels_last, weights=weights, compile=compile, reuse=reuse
    )
    return tiled(quick, tile)


def from_latent(
    path: str | Path,
    prompt: str = "",
    negative: str = "",
    guidance: float | None = None,
    precision: str = "float32",
    tile: int | None = None,
) -> Prior:
    """As `LatentPrior.from_pretrained`. ``tile``: of network and autoencoder, in pixels."""
    from inverse.priors.latent import LatentPrior

    prior = LatentPrior.from_pretrained(path, prompt, negative, guidance, precision, tile)
    return tiled(prior, None if tile is None else tile // prior.autoencoder.factor)


def tiled(prior: Prior, tile: int | None) -> Prior:
    """The prior in tiles of that side; as it is for None."""
    return prior if tile is None else Tiled(prior, tile)
