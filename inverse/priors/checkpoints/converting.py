"""From a paper's checkpoint to a folder that `DiffusersPrior` (and diffusers itself) loads."""

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from inverse.priors.checkpoints.adm import State, configuration, head_size, read_layout
from inverse.priors.checkpoints.edm import as_adm, is_edm
from inverse.priors.checkpoints.mapping import translate
from inverse.priors.checkpoints.states import below, load_state

if TYPE_CHECKING:
    from diffusers.models.unets.unet_2d import UNet2DModel

KNOWN = (("input_blocks.0.0.weight", "out.2.weight"), ("map_layer0.weight", "out_conv.weight"))
BETAS = {"linear": "linear", "cosine": "squaredcos_cap_v2"}


def adm_unet(
    state: State,
    size: int = 256,
    head_channels: int | None = 64,
    heads: int | None = None,
    attention: str = "legacy",
) -> "UNet2DModel":
    """A guided-diffusion (ADM) network as diffusers' `UNet2DModel`: the same function.

    EDM's network of that architecture too: the bare network, without its preconditioning.

    Args:
        state: its tensors, under their original names. size: of the images it was trained on.
        head_channels: channels per attention head; heads: their number instead (the other null).
        attention: "legacy", or "new" where it was trained with use_new_attention_order.

    Reference: Dhariwal and Nichol, 2021, arXiv:2105.05233.

    Raises:
        ValueError: for tensors of another network, or a configuration that `UNet2DModel` cannot
            express: channel_mult[0] other than 1, a number of heads at attentions of several
            widths, resampling without convolutions.
    """
    from diffusers.models.unets.unet_2d import UNet2DModel

    if is_edm(state):
        state, attention = as_adm(state), "new"
    layout = read_layout(state)
    head = head_size(layout, head_channels, heads)
    tensors = translate(state, layout, head, attention)
    with torch.device("meta"):
        unet = UNet2DModel(**configuration(layout, head, size))
    try:
        unet.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise ValueError(f"ADM: this is not the network that it seems to be: {reason}") from error
    return unet.eval().requires_grad_(False)


def convert(
    source: str | Path,
    target: str | Path,
    size: int = 256,
    head_channels: int | None = 64,
    heads: int | None = None,
    attention: str = "legacy",
    betas: str = "linear",
    steps: int = 1000,
) -> Path:
    """Write an ADM or EDM checkpoint as a diffusers pipeline folder; all of it or nothing.

    An EDM one gets diffusers' EDM scheduler (sigma_data 0.5), and no betas or steps.

    The network is given the timestep 0..steps-1 itself: one trained with rescale_timesteps on
    another number of steps than 1000 is not what this folder says.

    Args:
        source: state dict (PyTorch or safetensors); its names may all start alike ("model.").
        target: a folder that does not exist yet.
        betas: "linear" (1e-4 to 0.02 at 1000 steps) or "cosine". Others: as in `adm_unet`.

    Raises:
        FileNotFoundError, ValueError: as `load_state` and `adm_unet`, and for bad `betas`.
        FileExistsError: when the target is there.
    """
    from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline

    target = Path(target)
    if target.exists():
        raise FileExistsError(f"{target} exists; give a new folder")
    if betas not in BETAS:
        raise ValueError(f"betas must be one of {', '.join(BETAS)}, got {betas!r}")
    state = load_state(source)
    for names in KNOWN:
        state = below(state, names)
    unet = adm_unet(state, size, head_channels, heads, attention)
    learned = unet.config["out_channels"] == 2 * unet.config["in_channels"]
    scheduler = _edm_scheduler() if is_edm(state) else _ddpm_scheduler(betas, steps, learned)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        DDPMPipeline(unet, scheduler).save_pretrained(temporary)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _ddpm_scheduler(betas: str, steps: int, learned: bool) -> Any:
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    return DDPMScheduler(
        num_train_timesteps=steps,
        beta_start=0.1 / steps,
        beta_end=20 / steps,
        beta_schedule=BETAS[betas],  # pyright: ignore[reportArgumentType]
        variance_type="learned_range" if learned else "fixed_small",
    )


def _edm_scheduler() -> Any:
    from diffusers.schedulers.scheduling_edm_euler import EDMEulerScheduler

    return EDMEulerScheduler(sigma_data=0.5)
