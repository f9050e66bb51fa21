"""LVTINO: two priors in turn, on clips and on pictures, on pixels and on latents."""

import pytest
import torch

from inverse import solvers
from inverse.levels import Flow
from inverse.priors.latent import Condition, LatentPrior, VideoVAE
from inverse.solvers._lvtino import PICTURES, VIDEO, Released
from inverse.solving import solve
from operators import Problem, Rng, downsample, framewise, gaussian, measure, temporal_blur
from tests.inverse import latent_cases
from tests.inverse.solver_cases import tiny_prior

FRAMES, SHAPE = 5, (3, 32, 32)


def problem(sigma: float = 0.05) -> Problem:
    operator = framewise(downsample(SHAPE, 4), FRAMES) @ temporal_blur((3, FRAMES, 32, 32), 3)
    clip = torch.linspace(-0.8, 0.8, 32).expand(1, 3, FRAMES, 32, 32).contiguous()
    return measure(operator, gaussian(sigma), clip, Rng([0]))


def video_prior() -> LatentPrior:
    """A tiny random Wan: its transformer, its causal autoencoder of factor 4, 4 frames a latent."""
    diffusers = pytest.importorskip("diffusers")
    vae = latent_cases.seeded(
        lambda: diffusers.AutoencoderKLWan(
            base_dim=4, z_dim=4, dim_mult=[1, 1, 1], num_res_blocks=1,
            temperal_downsample=[True, True], latents_mean=[0.1, 0.0, -0.1, 0.2],
            latents_std=[1.0, 2.0, 0.5, 1.5], scale_factor_spatial=4,
        )
    )  # fmt: skip
    network = latent_cases.seeded(
        lambda: diffusers.WanTransformer3DModel(
            num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4,
            text_dim=8, freq_dim=16, ffn_dim=16, num_layers=1, rope_max_seq_len=32,
        )
    )  # fmt: skip
    prompt = Condition(torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(0)), None)
    return LatentPrior(network, Flow(), "flow", VideoVAE(vae), prompt)


def test_the_walk_of_five_is_the_released_one():
    times = [Flow().time(level.nsr) for level in Released(5)()[:-1]]
    assert times == pytest.approx([0.757, 0.522, 0.375, 0.255, 0.125])
    assert len(Released(3)()) == 4 and len(PICTURES) == len(VIDEO) - 1


def test_both_priors_speak_in_turn_and_the_data_last():
    counts = []
    prior = tiny_prior()
    handle = prior.register_forward_hook(
        lambda module, inputs, output: counts.append(len(inputs[0]))
    )
    given = problem(1e-4)
    x = solve(solvers.lvtino(prior), given, Rng([0])).x0
    handle.remove()
    assert counts == [FRAMES] * 9  # five turns of the one, four of the other
    assert float(given.relative_residual(x)) < 100  # of a prior that knows nothing, and sigma 1e-4


def test_what_the_picture_prior_invents_is_the_same_in_frames_measured_alike():
    operator = framewise(downsample(SHAPE, 4), 3)
    y = torch.linspace(-0.5, 0.5, 8).expand(1, 3, 3, 8, 8).contiguous()
    x = solve(solvers.lvtino(tiny_prior()), Problem(operator, gaussian(0.05), y), Rng([1])).x0
    assert float((x - x[:, :, :1]).abs().max()) < 1e-5


@pytest.mark.parametrize("pictures", ["pixels", "latents"])
def test_a_video_network_and_a_picture_one_restore_a_clip_between_them(pictures):
    prior = tiny_prior() if pictures == "pixels" else latent_cases.prior("sdxl")
    x = solve(solvers.lvtino(prior, video=video_prior(), steps=2), problem(), Rng([0])).x0
    assert x.shape == (1, 3, FRAMES, 32, 32) and bool(x.isfinite().all())


def test_the_video_autoencoder_knows_the_sizes_of_its_latents():
    prior = video_prior()
    clip = torch.rand(2, 3, 5, 16, 24) * 2 - 1
    z = prior.encode(clip)
    assert tuple(z.shape[1:]) == prior.autoencoder.latent_shape((3, 5, 16, 24)) == (4, 2, 4, 6)
    assert prior.decode(z).shape == clip.shape
    for shape in ((3, 4, 16, 16), (3, 5, 18, 16), (3, 16, 16)):
        with pytest.raises(ValueError, match="4 k \\+ 1"):
            prior.autoencoder.latent_shape(shape)


@pytest.mark.parametrize("wrong", [{"delta": 0.0}, {"steps": 0}])
def test_wrong_numbers_are_told(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        solvers.lvtino(tiny_prior(), **wrong)
