"""Latent pipelines from folders: loaded exactly, prompts encoded, mistakes answered in one line."""

import json

import pytest
import torch

from inverse.levels import CLEAN, Discrete, Grid
from inverse.priors import Tiled
from inverse.priors.autoencoder import autoencoder_of
from inverse.priors.latent import LatentPrior, encoded_pair
from inverse.priors.presets import from_diffusers, from_latent
from inverse.samplers import Process, State
from inverse.transitions import DDIM
from operators import Rng, gaussian, identity, measure
from tests.inverse import pipelines
from tests.inverse.pipelines import TEXT


def test_an_unconditional_latent_model_loads_and_samples(tmp_path):
    prior = LatentPrior.from_pretrained(pipelines.ldm(tmp_path / "ldm"))
    assert not prior.training and not any(p.requires_grad for p in prior.parameters())
    assert prior.autoencoder.factor == 2 and prior.autoencoder.scale == 0.8
    problem = measure(identity((3, 16, 16)), gaussian(0.1), torch.zeros(1, 3, 16, 16), Rng([0]))
    chain = Process(prior, DDIM(0), Grid(2, prior.schedule))
    x0 = list(chain.iterate(problem, Rng([0])))[-1].x0
    assert torch.isfinite(prior.decode(x0)).all()
    with pytest.raises(ValueError, match="takes no prompt"):
        LatentPrior.from_pretrained(tmp_path / "ldm", prompt="a cat")


@TEXT
@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_a_prompted_chain_draws_what_the_pipeline_draws(tmp_path, guidance):
    """Our DDIM over our prior is the pipeline's own sampling, to rounding."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    folder = pipelines.stable(tmp_path / "sd")
    prior = LatentPrior.from_pretrained(folder, "a b", "c", guidance)
    theirs = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    theirs.scheduler = DDIMScheduler.from_config(
        theirs.scheduler.config, clip_sample=False, set_alpha_to_one=True,
        timestep_spacing="trailing", steps_offset=0,
    )  # fmt: skip
    theirs.set_progress_bar_config(disable=True)
    expected, noise = pipelines.sampled(
        theirs, prompt="a b", negative_prompt="c", guidance_scale=guidance, num_inference_steps=4
    )
    levels = [prior.schedule(t) for t in theirs.scheduler.timesteps.tolist()]
    chain = Process(prior, DDIM(0), lambda start: [*levels, CLEAN])
    problem = measure(identity((4, 8, 8)), gaussian(0.1), noise, Rng([0]))
    drawn = list(chain.iterate(problem, Rng([0]), State(noise)))[-1].x0
    assert torch.allclose(drawn, expected, atol=1e-4 * float(expected.abs().max()))


@TEXT
@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_a_video_chain_draws_what_its_pipeline_draws(tmp_path, guidance):
    """Euler's steps over our prior of clips are the pipeline's own sampling, to rounding."""
    from diffusers import FlowMatchEulerDiscreteScheduler, WanPipeline

    folder = pipelines.wan(tmp_path / "wan")
    prior = LatentPrior.from_pretrained(folder, "a b", "c", guidance)
    theirs = WanPipeline.from_pretrained(folder)
    theirs.scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    theirs.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 4, 2, 4, 4, generator=torch.Generator().manual_seed(4))
    expected = theirs(
        "a b", "c", height=16, width=16, num_frames=5, latents=noise, output_type="latent",
        guidance_scale=guidance, num_inference_steps=4,
    ).frames  # fmt: skip
    levels = [prior.schedule(t / 1000) for t in theirs.scheduler.timesteps.tolist()]
    chain = Process(prior, DDIM(0), lambda start: [*levels, CLEAN])
    problem = measure(identity((4, 2, 4, 4)), gaussian(0.1), noise, Rng([0]))
    drawn = list(chain.iterate(problem, Rng([0]), State(noise)))[-1].x0
    assert torch.allclose(drawn, expected, atol=1e-4 * float(expected.abs().max()))
    assert prior.decode(drawn).shape == (1, 3, 5, 16, 16)


@TEXT
def test_video_pipelines_that_cannot_serve_are_refused_in_one_line(tmp_path):
    from tests.inverse.latent_cases import wan_transformer

    folder = pipelines.wan(tmp_path / "wan")
    with pytest.raises(ValueError, match="takes no tiles here"):
        from_latent(folder, tile=16)
    with pytest.raises(ValueError, match="two networks, one of high and one of low noise"):
        from_latent(pipelines.wan(tmp_path / "two", transformer_2=wan_transformer()))
    wide = pipelines.wan(tmp_path / "pictures", transformer=wan_transformer(in_channels=12))
    with pytest.raises(ValueError, match="takes 12 channels, its autoencoder makes 4"):
        from_latent(wide)


@TEXT
def test_consistency_models_are_recognised_and_told_their_usual_guidance(tmp_path):
    prior = LatentPrior.from_pretrained(pipelines.stable(tmp_path / "lcm", lcm=True), "a")
    assert prior.consistency and prior.guidance == 8.5 and not prior.guided


@TEXT
@pytest.mark.parametrize("negative", ["", "d"])
def test_sdxl_has_both_text_encoders_and_its_own_empty_prompt(tmp_path, negative):
    from diffusers import StableDiffusionXLPipeline

    folder = pipelines.stable_xl(tmp_path / "xl")
    prior = LatentPrior.from_pretrained(folder, "a b", negative, 3.0)
    assert prior.prompt_hidden.shape == (1, 16, 24) and prior.prompt_pooled.shape == (1, 10)
    assert bool((prior.negative_hidden == 0).all()) == (negative == "")
    theirs = StableDiffusionXLPipeline.from_pretrained(folder)
    first, second = encoded_pair(theirs, "a b", negative)
    assert torch.equal(first.hidden, prior.prompt_hidden)
    assert torch.equal(second.pooled, prior.negative_pooled)
    z, level = torch.randn(2, 4, 8, 8), prior.schedule(400)
    other = prior.prompted(second, first)
    line = torch.lerp(other.prompted(second, None, 1.0).denoise(z, level),
                      prior.prompted(first, None, 1.0).denoise(z, level), 3.0)  # fmt: skip
    assert torch.allclose(prior.denoise(z, level), line, atol=1e-3)


@TEXT
def test_prompts_tell_priors_apart_and_other_dtypes_load(tmp_path):
    folder = pipelines.stable(tmp_path / "sd")
    cat, dog = (LatentPrior.from_pretrained(folder, text) for text in ("c a t", "d o g"))
    z, level = torch.randn(1, 4, 8, 8), cat.schedule(700)
    assert not torch.equal(cat.denoise(z, level), dog.denoise(z, level))
    half = LatentPrior.from_pretrained(folder, "c a t", precision="bf16")
    assert half.network.dtype == torch.bfloat16 and half.autoencoder.network.dtype == torch.float32
    assert half.decode(z).dtype == torch.float32
    assert isinstance(cat.schedule, Discrete) and cat.prediction == "epsilon"


@TEXT
def test_tiles_reach_network_and_autoencoder(tmp_path):
    prior = from_latent(pipelines.stable(tmp_path / "sd"), "a", tile=16)
    assert isinstance(prior, Tiled) and prior.tile == 4
    assert autoencoder_of(prior).network.tile_sample_min_size == 16


def test_an_autoencoder_without_tiles_says_so(tmp_path):
    assert isinstance(from_latent(pipelines.ldm(tmp_path / "ldm")), LatentPrior)
    with pytest.raises(ValueError, match="VQModel takes no tiles"):
        from_latent(tmp_path / "ldm", tile=16)


def test_pipelines_that_cannot_serve_are_refused_in_one_line(tmp_path, monkeypatch):
    folder = pipelines.ldm(tmp_path / "ldm")
    with pytest.raises(ValueError, match="not a pixel pipeline.*prior=latent"):
        from_diffusers(folder)
    with pytest.raises(ValueError, match="precision must be one of"):
        from_latent(folder, precision="half")
    entries = json.loads((folder / "model_index.json").read_text())

    def written(name, **changes):
        place = tmp_path / name
        place.mkdir()
        kept = {k: v for k, v in (entries | changes).items() if v is not None}
        (place / "model_index.json").write_text(json.dumps(kept))
        return place

    with pytest.raises(ValueError, match="no autoencoder.*prior=diffusers"):
        from_latent(written("pixels", vqvae=None))
    monkeypatch.setattr("inverse.priors.latent.loading.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"anytime-inverse\[latent\]"):
        from_latent(written("texts", text_encoder=["transformers", "CLIPTextModel"]))


def test_without_a_network_it_is_said_what_to_download_and_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match="hf download nobody/none --local-dir FOLDER"):
        from_latent("nobody/none")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        from_latent(tmp_path / "absent")
