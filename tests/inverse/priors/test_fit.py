"""What a prior's network cannot take is said in one line, before torch fails inside it."""

import pytest
import torch

from inverse import solvers
from inverse.denoise import Unfit
from inverse.levels import VE, Discrete
from inverse.priors import DiffusersPrior, EDMPrior, PreconditionedPrior, Tiled
from inverse.solving import solve
from operators import Rng, gaussian, inpaint_random, measure


def unet(channels: int, levels: int) -> torch.nn.Module:
    from diffusers.models.unets.unet_2d import UNet2DModel

    return UNet2DModel(
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(8,) * levels,
        down_block_types=("DownBlock2D",) * levels,
        up_block_types=("UpBlock2D",) * levels,
        layers_per_block=1,
        norm_num_groups=4,
        add_attention=False,
    )


def transformer() -> torch.nn.Module:
    from diffusers.models.transformers.dit_transformer_2d import DiTTransformer2DModel

    return DiTTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, in_channels=3, out_channels=3, num_layers=1,
        sample_size=8, num_embeds_ada_norm=5,
    )  # fmt: skip


PRIORS = {
    "diffusers": lambda: DiffusersPrior(unet(3, 2), Discrete.linear()),
    "preconditioned": lambda: PreconditionedPrior(unet(3, 2)),
    "edm": lambda: EDMPrior({"channels": [16, 16], "layers": 1}),
    "grey": lambda: DiffusersPrior(unet(1, 1), Discrete.linear()),
}


def restored(prior, shape):
    operator = inpaint_random(shape, keep=0.5)
    problem = measure(operator, gaussian(0.1), torch.zeros(1, *shape), Rng([0]))
    frozen = prior.eval().requires_grad_(False)
    return solve(solvers.diffpir(frozen, steps=2), problem, Rng([0])).x0


@pytest.mark.parametrize("name", PRIORS)
def test_other_channels_are_refused_in_one_line(name):
    own = 1 if name == "grey" else 3
    with pytest.raises(Unfit, match=rf"takes images of {own} channel.*got \({4 - own}, 8, 8\); "):
        restored(PRIORS[name](), (4 - own, 8, 8))
    assert restored(PRIORS[name](), (own, 8, 8)).isfinite().all()


@pytest.mark.parametrize("make", [lambda: unet(3, 2), lambda: unet(3, 3), transformer])
def test_sides_are_refused_where_the_network_would_fail_and_nowhere_else(make):
    network, label = make(), None
    if hasattr(network, "patch_size"):
        label = 0
    network.eval().requires_grad_(False)
    prior = DiffusersPrior(network, Discrete.linear(), label=label)
    for side in range(4, 17):
        z, times = torch.zeros(1, 3, side, side), torch.zeros(1)
        told = {} if label is None else {"class_labels": times.long()}
        try:
            fits = network(z, times, return_dict=False, **told)[0].shape == z.shape
        except (RuntimeError, ValueError):
            fits = False
        if fits:
            prior.denoise(z, VE()(1.0))
            continue
        with pytest.raises(Unfit, match=rf"multiples of .*got \(3, {side}, {side}\); .*tile"):
            prior.denoise(z, VE()(1.0))


def test_tiles_of_a_side_that_fits_take_an_image_that_does_not():
    assert restored(Tiled(PRIORS["diffusers"](), tile=8), (3, 9, 13)).isfinite().all()


def test_a_prior_that_pads_takes_any_side():
    assert restored(PRIORS["edm"](), (3, 7, 9)).isfinite().all()
