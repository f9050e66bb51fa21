"""A latent prior from a diffusers pipeline: a folder, or a hub id."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from inverse.levels import Discrete, Flow
from inverse.priors.autoencoder import Autoencoder
from inverse.priors.hub import NETWORKS, index
from inverse.priors.hub import load as load_pipeline
from inverse.priors.latent.calls import channels
from inverse.priors.latent.condition import encoded_pair
from inverse.priors.latent.prior import LatentPrior
from inverse.priors.latent.vae import VAE
from inverse.priors.latent.video import VideoVAE
from inverse.priors.networked import PRECISIONS
from inverse.priors.parametrisation import expect

AUTOENCODERS = ("vae", "vqvae")
UNUSED = ("safety_checker", "feature_extractor", "image_encoder")


def load(
    path: str | Path,
    prompt: str = "",
    negative: str = "",
    guidance: float | None = None,
    precision: str = "float32",
    tile: int | None = None,
) -> LatentPrior:
    """The prior in a saved `StableDiffusionPipeline`, its XL, 3 and LCM kin, or a `FluxPipeline`.

    Also an unconditional `LDMPipeline`, which takes no prompt, and a `WanPipeline`, whose prior is
    of clips. The prompts are encoded here, once; the text encoders are not kept.

    Args:
        guidance: None: 1 (no guidance), for distilled networks 8.5 (LCM) or 3.5 (Flux).
        precision: of the weights of network and text encoders; those of the autoencoder are
            float32. tile: side in pixels of the autoencoder's tiles, or None.

    Raises:
        FileNotFoundError: for no such folder, or a hub id neither cached nor reachable.
        ValueError: for a pipeline of another kind.
        ImportError: where transformers, or accelerate for one of clips, is missing.
    """
    expect("precision", precision, tuple(PRECISIONS))
    parts = index(path)
    place = _check(path, parts)
    dtype = PRECISIONS[precision] or torch.float32
    settings: dict[str, Any] = {name: None for name in UNUSED if name in parts}
    dtypes = {"default": dtype, place["autoencoder"]: torch.float32}
    settings["low_cpu_mem_usage"] = find_spec("accelerate") is not None
    pipeline = load_pipeline(path, torch_dtype=dtypes, **settings)
    network = getattr(pipeline, place["network"])
    conditions = _conditions(path, pipeline, parts, prompt, negative)
    schedule, prediction = _schedule(path, pipeline.scheduler)
    prior = LatentPrior(
        network,
        schedule,
        prediction,
        _autoencoder(path, getattr(pipeline, place["autoencoder"]), network, tile),
        *conditions,
        guidance=_default_guidance(network.config) if guidance is None else guidance,
        consistency=type(pipeline.scheduler).__name__ == "LCMScheduler",
    )
    return prior.eval().requires_grad_(False)


def _check(path: str | Path, parts: dict[str, tuple[str, str]]) -> dict[str, str]:
    names = {"network": NETWORKS, "autoencoder": AUTOENCODERS, "scheduler": ("scheduler",)}
    found = {what: [n for n in known if n in parts] for what, known in names.items()}
    missing = [what for what, present in found.items() if not present]
    if missing:
        raise ValueError(
            f"prior {path}: not a latent pipeline, it has no {missing[0]} (its parts: "
            f"{', '.join(sorted(parts))}); take prior=diffusers for one on pixels"
        )
    if "transformer_2" in parts:
        raise ValueError(
            f"prior {path}: has two networks, one of high and one of low noise; give a pipeline of "
            "one transformer (Wan 2.1, or Wan 2.2 of 5 billion parameters)"
        )
    kinds = parts.values()
    needed = {
        "transformers": any(library == "transformers" for library, _ in kinds),
        "accelerate": any(kind == "WanTransformer3DModel" for _, kind in kinds),
    }
    if missing := [name for name, asked in needed.items() if asked and find_spec(name) is None]:
        raise ImportError(
            f"prior {path}: its parts need {' and '.join(missing)}; "
            "pip install 'anytime-inverse[latent]'"
        )
    return {what: present[0] for what, present in found.items()}


def _autoencoder(path: str | Path, network: Any, prior: Any, tile: int | None) -> Autoencoder:
    video = type(network).__name__ == "AutoencoderKLWan"
    if video and tile is not None:
        raise ValueError(f"prior {path}: a video autoencoder takes no tiles here; give tile=null")
    autoencoder = VideoVAE(network) if video else VAE(network, tile)
    if autoencoder.channels != channels(prior):
        raise ValueError(
            f"prior {path}: its network takes {channels(prior)} channels, its autoencoder makes "
            f"{autoencoder.channels}; give one that is told a text alone, no other picture"
        )
    return autoencoder


def _conditions(
    path: str | Path, pipeline: Any, parts: dict, prompt: str, negative: str
) -> tuple[Any, Any]:
    if hasattr(pipeline, "encode_prompt"):
        return encoded_pair(pipeline, prompt, negative)
    if prompt or negative:
        raise ValueError(f"prior {path}: this pipeline takes no prompt; it has no text encoder")
    return None, None


def _schedule(path: str | Path, scheduler: Any) -> tuple[Discrete | Flow, str]:
    name, config = type(scheduler).__name__, scheduler.config
    if name.startswith("FlowMatch") or config.get("prediction_type") == "flow_prediction":
        return Flow(), "flow"
    if getattr(scheduler, "betas", None) is None:
        raise ValueError(f"prior {path}: a {name} has no table of betas, nor matches flows")
    betas = scheduler.betas.double().tolist()
    return Discrete(betas), config.get("prediction_type", "epsilon")


def _default_guidance(config: Any) -> float:
    if config.get("time_cond_proj_dim") is not None:
        return 8.5
    return 3.5 if config.get("guidance_embeds") else 1.0
