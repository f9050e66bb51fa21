"""Latent priors: their z0 is the scheduler's own, prompts and guidance, encoding and decoding."""

import pytest
import torch

from inverse.denoise import Evaluation
from inverse.levels import CLEAN, VE, Flow, Level
from inverse.priors.latent import VAE, LatentPrior
from inverse.priors.latent.calls import guidance_embedding
from tests.inverse.latent_cases import betas, condition, prior, unet, vae

LATENT = (4, 8, 8)


def states(count=2, seed=3):
    return torch.randn(count, *LATENT, generator=torch.Generator().manual_seed(seed))


def raw(kind, z, t, told):
    """The network called by hand, as its own pipeline does."""
    network, hidden = prior(kind).network, told.hidden.expand(len(z), -1, -1)
    pooled = told.pooled.expand(len(z), -1)
    if kind == "sd3":
        return network(z, hidden, pooled, torch.full((len(z),), float(t)), return_dict=False)[0]
    extra = {}
    if kind == "lcm":
        extra["timestep_cond"] = guidance_embedding(0.0, 6).expand(len(z), -1)
    if kind == "sdxl":
        ids = torch.tensor([[32.0, 32.0, 0.0, 0.0, 32.0, 32.0]]).expand(len(z), -1)
        extra["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": ids}
    return network(z, t, encoder_hidden_states=hidden, **extra, return_dict=False)[0]


@pytest.mark.parametrize("kind", ["sd", "sd-v", "sdxl"])
@pytest.mark.parametrize("t", [0, 20, 501, 999])
def test_x0_is_that_of_the_scheduler(kind, t):
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
        prediction_type="v_prediction" if kind == "sd-v" else "epsilon",
    )  # fmt: skip
    scheduler.set_timesteps(1000)
    z, level = states(), betas()(t)
    out = raw(kind, z, t, condition(1))
    expected = scheduler.step(out, t, z).pred_original_sample
    for factor in (1.0, 1 / level.alpha):  # on the network's own path, and on another
        x0 = prior(kind).denoise(z * factor, Level(level.alpha * factor, level.sigma * factor))
        assert torch.allclose(x0, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("t", [0, 259, 999])
def test_a_consistency_model_is_the_scheduler_of_it(t):
    from diffusers import LCMScheduler

    scheduler = LCMScheduler()
    scheduler.set_timesteps(timesteps=[t])
    z = states()
    expected = scheduler.step(raw("lcm", z, t, condition(1)), t, z).denoised
    x0 = prior("lcm").denoise(z, betas()(t))
    assert torch.allclose(x0, expected, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("sigma", [0.02, 0.5, 1.0])
def test_x0_of_a_flow_is_the_schedulers_last_step(sigma):
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=[sigma])  # one step from there to clean
    t, z = scheduler.timesteps[0], states()
    expected = scheduler.step(raw("sd3", z, float(t), condition(1)), t, z).prev_sample
    assert torch.allclose(prior("sd3").denoise(z, Flow()(sigma)), expected, atol=1e-5)
    if sigma < 1:
        on_ve = prior("sd3").denoise(z / (1 - sigma), Level(1.0, sigma / (1 - sigma)))
        assert torch.allclose(on_ve, expected, atol=1e-5)


def test_flux_is_called_as_its_pipeline_does():
    from diffusers import FluxPipeline

    p, z, sigma, told = prior("flux", 2.5), states(), 0.7, condition(1)
    out = p.network(
        hidden_states=FluxPipeline._pack_latents(z, 2, 4, 8, 8),
        timestep=torch.full((2,), sigma),
        guidance=torch.full((2,), 2.5),
        pooled_projections=told.pooled.expand(2, -1),
        encoder_hidden_states=told.hidden.expand(2, -1, -1),
        txt_ids=torch.zeros(5, 3),
        img_ids=FluxPipeline._prepare_latent_image_ids(2, 4, 4, "cpu", torch.float32),
        return_dict=False,
    )[0]
    v = FluxPipeline._unpack_latents(out, 32, 32, 4)
    assert torch.allclose(p.denoise(z, Flow()(sigma)), z - sigma * v, atol=1e-6)


def test_lcm_is_told_guidance_as_its_pipeline_does():
    from diffusers import LatentConsistencyModelPipeline as Pipeline

    expected = Pipeline.get_guidance_scale_embedding(None, torch.tensor([7.5]), 256)
    assert torch.allclose(guidance_embedding(7.5, 256), expected, atol=1e-5)
    odd = Pipeline.get_guidance_scale_embedding(None, torch.tensor([7.5]), 7)
    assert torch.allclose(guidance_embedding(7.5, 7), odd, atol=1e-5)
    z, level = states(), VE()(2.0)
    weak, strong = (prior("lcm", w).denoise(z, level) for w in (1.0, 8.0))
    assert not torch.allclose(weak, strong)


@pytest.mark.parametrize("kind", ["sd", "sdxl", "sd3", "flux-true"])
def test_guidance_is_the_line_through_both_prompts(kind):
    z, level = states(), VE()(1.5)
    known = prior(kind)
    free = known.prompted(condition(2), condition(1))
    expected = torch.lerp(free.denoise(z, level), known.denoise(z, level), 3.0)
    assert torch.allclose(prior(kind, 3.0).denoise(z, level), expected, atol=1e-4)
    assert torch.allclose(known.prompted(condition(1), None, 3.0).denoise(z, level), expected,
                          atol=1e-4)  # fmt: skip
    swapped = known.prompted(condition(1), condition(1), 3.0)
    assert torch.allclose(swapped.denoise(z, level), known.denoise(z, level), atol=1e-4)


@pytest.mark.parametrize("kind", ["sd", "sdxl", "lcm", "sd3", "flux", "flux-true"])
def test_a_batch_equals_its_samples_and_gradients_flow(kind):
    p, z, level = prior(kind, 2.0), states(3), VE()(0.8)
    together = p.denoise(z, level)
    alone = torch.cat([p.denoise(z[i : i + 1], level) for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-6 * float(together.abs().max()))
    ev = Evaluation(p, z, level, None, None, differentiable=True)
    assert torch.isfinite(ev.pullback(torch.ones_like(z))).all()


def test_encoding_scales_and_shifts_as_the_pipelines_do():
    network = vae(scaling_factor=1.5305, shift_factor=0.0609)
    coder, x = VAE(network), torch.rand(2, 3, 32, 32) * 2 - 1
    z = coder.encode(x).detach()
    mode = network.encode(x).latent_dist.mode()
    assert torch.allclose(z, (mode - 0.0609) * 1.5305, atol=1e-6)
    image = network.decode(z / 1.5305 + 0.0609, return_dict=False)[0]
    assert torch.equal(coder.decode(z), image)
    assert coder.latent_shape((3, 32, 64)) == (4, 8, 16) and coder.factor == 4


@pytest.mark.parametrize("kind", ["VQModel", "AutoencoderTiny"])
def test_other_autoencoders(kind):
    import diffusers

    made = {
        "VQModel": lambda: diffusers.VQModel(
            block_out_channels=(8, 8), norm_num_groups=4, num_vq_embeddings=16,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=3, scaling_factor=0.5,
        ),
        "AutoencoderTiny": lambda: diffusers.AutoencoderTiny(
            encoder_block_out_channels=(8, 8), decoder_block_out_channels=(8, 8),
            num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1),
        ),
    }[kind]().eval()  # fmt: skip
    coder, x = VAE(made), torch.rand(2, 3, 16, 16)
    z = coder.encode(x).detach()
    assert z.shape[1:] == coder.latent_shape((3, 16, 16))
    assert torch.allclose(z, made.encode(x).latents * coder.scale)
    z.requires_grad_()
    coder.decode(z).sum().backward()
    assert torch.isfinite(z.grad).all() and z.grad.abs().sum() > 0


def test_checkpointing_changes_no_gradient():
    z = states().requires_grad_()
    grads = []
    for checkpoint in (False, True):
        coder = VAE(vae(), checkpoint=checkpoint)
        assert any(m.gradient_checkpointing for m in coder.modules()
                   if hasattr(m, "gradient_checkpointing")) == checkpoint  # fmt: skip
        grads += torch.autograd.grad(coder.decode(z).square().sum(), z)
    assert torch.allclose(*grads, atol=1e-5)


def test_tiles_of_the_decoder():
    whole, tiled = VAE(vae()), VAE(vae(), tile=16)
    z = torch.randn(1, 4, 16, 16).mul_(0.1)
    assert tiled.network.use_tiling and tiled.decode(z).shape == (1, 3, 64, 64)
    assert not torch.equal(whole.decode(z), tiled.decode(z))
    small = z[..., :4, :4]  # no larger than a tile
    assert torch.equal(whole.decode(small), tiled.decode(small))
    assert tiled.encode(tiled.decode(z)).shape == z.shape
    with pytest.raises(ValueError, match="multiple of 4"):
        VAE(vae(), tile=18)


def test_weights_of_another_dtype_are_kept_and_answers_are_float32():
    network = unet().double()
    p = LatentPrior(network, betas(), "epsilon", VAE(vae().double()), condition(1))
    out, image = p.denoise(states(), VE()(1.0)), p.decode(states())
    assert out.dtype == image.dtype == p.encode(image).dtype == torch.float32
    assert network.dtype == torch.float64
    assert torch.allclose(out, prior("sd").denoise(states(), VE()(1.0)), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"prediction": "flow"}, "belongs to schedule Flow"),
        ({"prediction": "noise"}, "must be one of"),
        ({"guidance": 3.0, "negative": None}, "negative prompt"),
        ({"guidance": -1.0}, "guidance must be 0 or more"),
        ({"prompt": None}, "takes a prompt"),
        ({"network": torch.nn.Linear(2, 2)}, "got a Linear"),
    ],
)
def test_wrong_choices_are_refused(change, match):
    good = {
        "network": prior("sd").network, "schedule": betas(), "prediction": "epsilon",
        "autoencoder": VAE(vae()), "prompt": condition(1), "negative": condition(2),
    }  # fmt: skip
    with pytest.raises(ValueError, match=match):
        LatentPrior(**(good | change))


def test_an_image_in_place_of_latents_says_what_to_do():
    with pytest.raises(ValueError, match=r"latents \(B, 4, h, w\).*inverse.samplers.decoded"):
        prior("sd").denoise(torch.zeros(1, 3, 32, 32), CLEAN._replace(sigma=1.0))
    with pytest.raises(ValueError, match="multiples of 4"):
        prior("sd").autoencoder.latent_shape((3, 30, 32))
