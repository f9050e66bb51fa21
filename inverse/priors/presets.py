"""Priors as the command line names them (``conf/prior/``): loaded, made faster and tiled."""

from collections.abc import Sequence
from pathlib import Path

from inverse.denoise import Denoiser, Prior
from inverse.priors.cheaper.switches import faster
from inverse.priors.edm import EDMPrior, held, load_prior
from inverse.priors.guidance import ClassifierFree
from inverse.priors.hub import scheduler_name
from inverse.priors.pixel import DiffusersPrior
from inverse.priors.preconditioned import PreconditionedPrior
from inverse.priors.tiled import Tiled

BUNDLED = Path(__file__).parent.parent / "assets" / "prior.safetensors"


def untrained(
    kind: str = "local",
    channels: Sequence[int] = (48, 96, 128, 128),
    layers: int = 2,
    size: int | None = None,
    parametrisation: str = "edm",
    classes: Sequence[str] = (),
    precision: str = "float32",
) -> EDMPrior:
    """A prior to be trained, its weights random; see `EDMPrior`."""
    config = {"kind": kind, "channels": list(channels), "layers": layers, "size": size}
    more = {"parametrisation": parametrisation, "classes": list(classes)}
    return EDMPrior(config | more, precision)


def from_file(
    path: str | Path = BUNDLED,
    precision: str = "float32",
    tile: int | None = None,
    label: int | str | None = None,
    guidance: float | None = None,
    channels_last: bool | None = None,
    weights: str | None = None,
    compile: bool = False,
    reuse: int = 1,
) -> Denoiser:
    """A prior of `inverse train`; the bundled one by default.

    Args:
        tile: as in `Tiled`, or None. label: the class it is asked for, by number or name.
        guidance: weight of `ClassifierFree` towards that class (two network calls); None: none.
        channels_last, weights, compile, reuse: as in `faster`.

    Raises:
        ValueError: as `load_prior` and `faster`, and for guidance without a label.
    """
    if guidance is not None and label is None:
        raise ValueError(f"prior {path}: guidance={guidance} needs a label to guide to")

    def ready(prior: EDMPrior) -> Prior:
        quick = faster(
            prior, channels_last=channels_last, weights=weights, compile=compile, reuse=reuse
        )
        return tiled(quick, tile)

    prior = load_prior(path, precision, label)
    held(prior.network, precision)
    if guidance is None:
        return ready(prior)
    return ClassifierFree(ready(prior), ready(prior.labelled(None)), guidance)


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
    held(prior.network, precision)
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
