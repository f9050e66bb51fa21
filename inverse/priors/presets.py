"""Priors as the command line names them (`conf/prior/`): loaded, made faster and tiled."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from inverse.denoise import Denoiser, Informed, Prior, cue, errors_of
from inverse.priors.channels import Channels
from inverse.priors.cheaper.switches import faster
from inverse.priors.edm import EDMPrior
from inverse.priors.guidance import ClassifierFree
from inverse.priors.hub import scheduler_name
from inverse.priors.modules import load_module
from inverse.priors.networked import NetworkPrior, held
from inverse.priors.parametrisation import Scheduled, schedule_of
from inverse.priors.pixel import DiffusersPrior, PreconditionedPrior
from inverse.priors.stored import load_prior
from inverse.priors.tiled import Tiled

BUNDLED = Path(__file__).parent.parent / "assets" / "prior.safetensors"


def untrained(
    kind: str = "local",
    channels: Sequence[int] = (48, 96, 128, 128),
    layers: int = 2,
    size: int | None = None,
    parametrisation: str = "edm",
    classes: Sequence[str] = (),
    informed: Sequence[str] = (),
    paired: bool = False,
    precision: str = "float32",
) -> EDMPrior:
    """A prior to be trained, its weights random; see `EDMPrior`."""
    config = {"kind": kind, "channels": list(channels), "layers": layers, "size": size}
    more = {"classes": list(classes), "informed": list(informed), "paired": paired}
    return EDMPrior(config | more | {"parametrisation": parametrisation}, precision)


def from_file(
    path: str | Path = BUNDLED,
    precision: str = "float32",
    tile: int | None = None,
    label: int | str | None = None,
    guidance: float | None = None,
    grey: bool | None = None,
    channels: int | None = None,
    channels_last: bool | None = None,
    weights: str | None = None,
    compile: bool = False,
    reuse: int = 1,
) -> Denoiser:
    """A prior of `inverse train`; the bundled one by default. One that is informed is `Informed`.

    Args:
        label: the class it is asked for, by number or name.
        guidance: weight of `ClassifierFree` towards that class (two network calls); None: none.
        tile, grey, channels, channels_last, weights, compile, reuse: as in `ready`.

    Raises:
        ValueError: as `load_prior` and `faster`, for guidance without a label, and for an informed
            network in tiles, on single channels or with features that are used again.
    """
    if guidance is not None and label is None:
        raise ValueError(f"prior {path}: guidance={guidance} needs a label to guide to")
    switches = dict(channels_last=channels_last, weights=weights, compile=compile, reuse=reuse)
    quick = partial(ready, tile=tile, grey=grey, channels=channels, **switches)
    prior = load_prior(path, precision, label)
    if told := prior.config["informed"]:
        if tile or grey or channels not in (None, 3) or reuse > 1:
            raise ValueError(
                f"prior {path} is informed of whole pictures in colour; leave out tile, grey, reuse"
            )
        return Informed(quick(prior), cue(told), prior.config["paired"])  # pyright: ignore
    if guidance is None:
        return quick(prior)
    return ClassifierFree(quick(prior), quick(prior.labelled(None)), guidance)


def from_diffusers(
    path: str | Path,
    precision: str = "float32",
    label: int | None = None,
    clip: bool | None = None,
    timesteps: str = "interpolate",
    tile: int | None = None,
    grey: bool | None = None,
    channels: int | None = None,
    channels_last: bool | None = None,
    weights: str | None = None,
    compile: bool = False,
    reuse: int = 1,
) -> Denoiser:
    """As `DiffusersPrior.from_pretrained`, or `PreconditionedPrior`'s for an EDM scheduler.

    Args:
        clip, timesteps: for the former only.
        tile, grey, channels, channels_last, weights, compile, reuse: as in `ready`.
    """
    if scheduler_name(path).startswith("EDM"):
        if clip or timesteps != "interpolate":
            raise ValueError(f"prior {path}: an EDM network has neither timesteps nor a clipped x0")
        prior = PreconditionedPrior.from_pretrained(path, precision, label)
    else:
        prior = DiffusersPrior.from_pretrained(path, precision, label, clip, timesteps)
    prior.errors = errors_of(path)
    switches = {"channels_last": channels_last, "weights": weights}
    return ready(prior, tile, grey, channels, **switches, compile=compile, reuse=reuse)


def from_module(
    network: str,
    weights: str | None,
    arguments: Mapping[str, Any] | None = None,
    schedule: str = "linear",
    steps: int = 1000,
    betas: Sequence[float] = (1e-4, 0.02),
    prediction: str = "epsilon",
    time: str = "t",
    scale: float = 1.0,
    limits: Sequence[float] = (-1.0, 1.0),
    shape: Sequence[int] | None = None,
    multiple: int = 1,
    label: int | None = None,
    clip: float | None = None,
    precision: str = "float32",
    tile: int | None = None,
    grey: bool | None = None,
    channels: int | None = None,
    channels_last: bool | None = None,
    compile: bool = False,
) -> Denoiser:
    """Any network out of a Python file, which is run: see `load_module` and `NetworkPrior`.

    Args:
        schedule: "linear", "scaled_linear" or "cosine", a table of `steps` betas (the first two
            from `betas[0]` to `betas[1]`), or "vp", "ve" or "flow", in continuous time.
        prediction, time, scale: as in `Scheduled`.
        tile, grey, channels, channels_last, compile: as in `ready`.
    """
    prior = NetworkPrior(
        load_module(network, weights, arguments),
        Scheduled(schedule_of(schedule, steps, betas), prediction, time, scale),
        None if shape is None else tuple(shape),
        precision, label, clip, limits, multiple,
    )  # fmt: skip
    prior.eval().requires_grad_(False)
    prior.errors = None if weights is None else errors_of(weights)
    told = None if shape is None else channels  # else nobody knows how many the network takes
    return ready(prior, tile, grey, told, channels_last=channels_last, compile=compile)


def from_latent(
    path: str | Path,
    prompt: str = "",
    negative: str = "",
    guidance: float | None = None,
    precision: str = "float32",
    tile: int | None = None,
) -> Denoiser:
    """As `LatentPrior.from_pretrained`; of a network that inpaints, `Informed`.

    Args:
        tile: of network and autoencoder, in pixels.

    Raises:
        ValueError: as it does, and for tiles of a network that inpaints.
    """
    from inverse.priors.latent import LatentPrior

    prior = LatentPrior.from_pretrained(path, prompt, negative, guidance, precision, tile)
    if prior.extra:
        if tile:
            raise ValueError(f"prior {path} inpaints, told of whole pictures; leave out tile")
        return Informed(prior, prior.cue)
    return tiled(prior, None if tile is None else tile // prior.autoencoder.factor)


def ready(
    prior: NetworkPrior,
    tile: int | None = None,
    grey: bool | None = None,
    channels: int | None = None,
    **switches: Any,
) -> Denoiser:
    """The prior made faster, in tiles, and for pictures of other channels.

    Args:
        tile: side of its tiles, as in `Tiled`, or None. grey: each channel of the picture by
    X"""
    held(prior.network, prior.precision)
    quick, width = tiled(faster(prior, **switches), tile), prior.shape[0] if prior.shape else 3
    apart = channels not in (None, width) if grey is None else grey
    return Channels(quick, width) if apart else quick


def tiled(prior: Prior, tile: int | None) -> Prior:
    """The prior in tiles of that side; as it is for None."""
    return prior if tile is None else Tiled(prior, tile)
