"""Latent networks that inpaint: nine channels, as diffusers' own pipeline has them."""

import pytest
import torch
import torch.nn.functional as F

from inverse.denoise import Informed, Unfit
from inverse.levels import CLEAN, Level
from inverse.priors.latent import VAE, LatentPrior
from inverse.priors.presets import from_latent
from inverse.samplers import Process, State, decoded
from inverse.solvers import informed, ldps, nested_latent
from inverse.transitions import DDIM
from operators import Inpaint, Rng, blur_gaussian, gaussian, measure
from tests.inverse import latent_cases as cases
from tests.inverse import pipelines
from tests.inverse.pipelines import TEXT

LATENT = (4, 8, 8)


def prior(guidance: float = 1.0) -> LatentPrior:
    return LatentPrior(
        cases.unet(in_channels=9), cases.betas(), "epsilon", VAE(cases.vae()),
        cases.condition(1), cases.condition(2), guidance,
    ).eval().requires_grad_(False)  # fmt: skip


def task(count: int = 1, hole: bool = True):
    """Pictures, and what a mask with or without a hole leaves of them."""
    x0 = torch.rand(count, *cases.PIXELS, generator=torch.Generator().manual_seed(6)) * 2 - 1
    mask = torch.ones(1, 1, 32, 32)
    if hole:
        mask[..., 8:20, 4:24] = 0
    operator = Inpaint(cases.PIXELS, mask)
    return x0, measure(operator, gaussian(0.0), x0, Rng(range(count)))


def states(count: int = 1) -> torch.Tensor:
    return torch.randn(count, *LATENT, generator=torch.Generator().manual_seed(4))


@TEXT
@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_a_walk_is_the_pipelines_own(tmp_path, guidance):
    from diffusers import StableDiffusionInpaintPipeline

    folder = pipelines.inpainting(tmp_path / "paint")
    network = from_latent(folder, "a b", "c", guidance)
    theirs = StableDiffusionInpaintPipeline.from_pretrained(folder, safety_checker=None)
    theirs.set_progress_bar_config(disable=True)
    x0, problem = task()
    hole = (1 - problem.operator.mask).expand(1, 1, 32, 32)
    masked = (
        theirs.vae.encode(x0 * (1 - hole)).latent_dist.mode() * theirs.vae.config.scaling_factor
    )
    expected = theirs(
        prompt="a b", negative_prompt="c", guidance_scale=guidance, num_inference_steps=4,
        image=(x0 + 1) / 2, mask_image=hole, masked_image_latents=masked, latents=states(),
        height=32, width=32, output_type="latent",
    ).images  # fmt: skip
    levels = [network.prior.schedule(t) for t in theirs.scheduler.timesteps.tolist()]
    walk = Process(network, DDIM(0), lambda start: [*levels, CLEAN])
    *_, last = decoded(walk, network, False).iterate(problem, Rng([0]), State(states()))
    assert (last.x - expected).abs().max() < 1e-5 * expected.abs().max()


def test_the_network_sees_state_mask_and_masked_latents_in_this_order():
    one, seen = prior(), []
    one.network.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    x0, problem = task()
    z = states()
    Informed(one, one.cue)(z, Level(*one.schedule(500)), problem, Rng([0]))
    hole = (1 - problem.operator.mask).expand(1, 1, 32, 32)
    assert torch.allclose(seen[0][:, :4], z, atol=1e-6)
    assert torch.equal(seen[0][:, 4:5], F.interpolate(hole, (8, 8))) and seen[0][:, 4].sum() == 15
    assert torch.allclose(seen[0][:, 5:], one.encode(x0 * (1 - hole)), atol=1e-6)


def test_samples_do_not_depend_on_their_batch_and_the_encoder_is_called_once():
    one, calls = prior(3.0), []
    one.autoencoder.network.encoder.register_forward_hook(lambda *given: calls.append(1))
    _, problem = task(2)
    sampler = informed(Informed(one, one.cue), steps=3)
    *_, both = sampler.iterate(problem, Rng([0, 1]))
    assert len(calls) == 1
    *_, second = sampler.iterate(problem[1:2], Rng([1]))
    assert torch.allclose(both.x0[1:], second.x0, atol=1e-4)


def test_nested_walks_of_latents_take_it_and_others_are_told_what_does():
    network = Informed(prior(), prior().cue)
    _, problem = task()
    *_, last = nested_latent(network, outer_steps=2, inner_most=1).iterate(problem, Rng([0]))
    assert last.x0.shape == problem.y.shape and torch.isfinite(last.x0).all()
    with pytest.raises(Unfit, match="solver=informed or nested_latent"):
        next(ldps(network, steps=2).iterate(problem, Rng([0])))
    blurred = measure(blur_gaussian(cases.PIXELS, 3, 1.0), gaussian(0.1), problem.y, Rng([0]))
    with pytest.raises(Unfit, match="needs an inpainting operator"):
        next(informed(network, steps=2).iterate(blurred, Rng([0])))


def test_what_it_cannot_do_is_refused_in_one_line():
    with pytest.raises(Unfit, match="inpaints and was told nothing"):
        prior().denoise(states(), Level(0.8, 0.6))
    with pytest.raises(ValueError, match="takes 4 channels beside its 4 latents.*none, or 5"):
        LatentPrior(
            cases.unet(in_channels=8),
            cases.betas(),
            "epsilon",
            VAE(cases.vae()),
            cases.condition(1),
        )
