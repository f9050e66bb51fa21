"""The diffusers adapter: its x0 is diffusers' own, whatever the scheduler, labels or variance."""

import functools
import socket
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from inverse.levels import VE, Discrete, Level
from inverse.priors import DiffusersPrior, Mixture

SCHEDULES = ["linear", "scaled_linear", "squaredcos_cap_v2"]
NORM = 2.5  # the caller's path need not be the network's
STATE = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
PREDICTIONS = ["epsilon", "sample", "v_prediction"]


def randomised(net: nn.Module) -> nn.Module:
    """The network with nothing left at zero, where it would hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    for p in net.parameters():
        p.data += 0.1 * torch.randn(p.shape, generator=generator)
    return net.eval().requires_grad_(False)


@functools.cache
def unet(out_channels=3, classes=None, embedding="positional") -> nn.Module:
    from diffusers import UNet2DModel

    return randomised(
        UNet2DModel(
            sample_size=8,
            out_channels=out_channels,
            num_class_embeds=classes,
            block_out_channels=(8,),
            layers_per_block=1,
            norm_num_groups=4,
            down_block_types=("DownBlock2D",),
            up_block_types=("UpBlock2D",),
            add_attention=False,
            time_embedding_type=embedding,
            num_train_timesteps=1000 if embedding == "learned" else None,
        )
    )


@functools.cache
def dit() -> nn.Module:
    from diffusers import DiTTransformer2DModel

    return randomised(
        DiTTransformer2DModel(
            num_attention_heads=2, attention_head_dim=8, in_channels=3, out_channels=6,
            num_layers=2, sample_size=8, num_embeds_ada_norm=5,
        )
    )  # fmt: skip


def saved(tmp_path, scheduler, network=None):
    from diffusers import DDPMPipeline

    DDPMPipeline(network or unet(), scheduler).save_pretrained(tmp_path / "pipeline")
    return tmp_path / "pipeline"


def worst(prior, scheduler, times, **labels):
    """The largest difference from the scheduler's x0, over the largest x0, over ``times``."""
    x, found = STATE, []
    for t in times:
        with torch.no_grad():
            out = prior.network(x, torch.tensor([t, t]), **labels).sample
            x0 = prior.denoise(x * NORM, scaled(prior, t))
        exact = scheduler.step(out, t, x).pred_original_sample
        found.append(float((x0 - exact).abs().max() / exact.abs().max()))
    return max(found)


class Recorded(nn.Module):
    """A network asked for all timesteps at `STATE`, and nothing else, once: quick to ask again."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        with torch.no_grad():
            x = STATE.repeat(1000, 1, 1, 1)
            self.outputs = network(x, torch.arange(1000).repeat_interleave(2)).sample

    def forward(self, x, t, return_dict=True):
        i = round(float(t[0]))
        assert torch.allclose(x, STATE, atol=1e-6) and abs(float(t[0]) - i) < 1e-4
        out = self.outputs[2 * i : 2 * i + 2]
        return SimpleNamespace(sample=out) if return_dict else (out,)


def scaled(prior, t):
    """The level of timestep t on a path that does not preserve the variance."""
    alpha, sigma = prior.schedule(t)
    return Level(alpha * NORM, sigma * NORM)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("betas", SCHEDULES)
def test_x0_is_diffusers_own_at_every_timestep(betas, prediction, tmp_path):
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(beta_schedule=betas, prediction_type=prediction, clip_sample=False)
    scheduler.set_timesteps(1000)
    prior = DiffusersPrior.from_pretrained(saved(tmp_path, scheduler))
    assert worst(prior, scheduler, (0, 1, 500, 999)) < 1e-5
    prior.network = Recorded(prior.network)
    assert worst(prior, scheduler, range(1000)) < 1e-5


@pytest.mark.parametrize("name", ["DDPMScheduler", "DDIMScheduler", "EulerDiscreteScheduler"])
def test_every_scheduler_with_betas_will_do(name, tmp_path):
    import diffusers

    scheduler = getattr(diffusers, name)(beta_start=0.001, beta_end=0.03)
    exact = diffusers.DDPMScheduler(beta_start=0.001, beta_end=0.03, clip_sample=False)
    prior = DiffusersPrior.from_pretrained(saved(tmp_path, scheduler), clip=False)
    assert worst(prior, exact, (0, 1, 400, 999)) < 1e-5


def test_clipping_is_as_the_scheduler_says(tmp_path):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(clip_sample=True, clip_sample_range=0.8)
    folder = saved(tmp_path, scheduler)
    prior = DiffusersPrior.from_pretrained(folder)
    assert worst(prior, scheduler, (0, 100, 400)) < 1e-5
    x = torch.randn(1, 3, 8, 8)
    assert float(prior.denoise(x, prior.schedule(900)).abs().max()) == pytest.approx(0.8)
    free = DiffusersPrior.from_pretrained(folder, clip=False)
    assert float(free.denoise(x, prior.schedule(900)).abs().max()) > 2


def test_a_ddim_pipeline_is_loaded_as_what_it_is(tmp_path):
    from diffusers import DDIMPipeline, DDIMScheduler

    scheduler = DDIMScheduler(prediction_type="v_prediction", clip_sample=False)
    DDIMPipeline(unet(), scheduler).save_pretrained(tmp_path / "ddim")
    scheduler.set_timesteps(1000)
    prior = DiffusersPrior.from_pretrained(tmp_path / "ddim")
    assert prior.shape == (3, 8, 8) and not prior.training
    assert worst(prior, scheduler, (0, 400, 999)) < 1e-5


@pytest.mark.parametrize("variance", ["learned", "learned_range"])
def test_a_learned_variance_is_dropped(variance, tmp_path):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(variance_type=variance, clip_sample=False)
    prior = DiffusersPrior.from_pretrained(saved(tmp_path, scheduler, unet(6)))
    assert worst(prior, scheduler, (0, 7, 500, 999)) < 1e-5


def test_tables_that_end_in_pure_noise(tmp_path):
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(
        prediction_type="v_prediction", rescale_betas_zero_snr=True, clip_sample=False
    )
    scheduler.set_timesteps(1000)
    prior = DiffusersPrior.from_pretrained(saved(tmp_path, scheduler))
    assert prior.schedule(999) == (0, 1) and prior.schedule.time(1e9) == 998
    assert worst(prior, scheduler, (0, 500, 998, 999)) < 1e-5
    with pytest.raises(ValueError, match="says nothing of x0"):
        DiffusersPrior(unet(), prior.schedule, "epsilon")


def test_class_labels_reach_the_network(tmp_path):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(clip_sample=False)
    folder = saved(tmp_path, scheduler, unet(classes=4))
    prior = DiffusersPrior.from_pretrained(folder, label=2)
    assert worst(prior, scheduler, (3, 700), class_labels=torch.tensor([2, 2])) < 1e-5
    other = prior.labelled(1)
    assert other.network is prior.network and not other.training
    assert worst(other, scheduler, (3, 700), class_labels=torch.tensor([1, 1])) < 1e-5
    assert worst(other, scheduler, (3, 700), class_labels=torch.tensor([2, 2])) > 1e-3
    for wrong in (None, 4, -1):
        with pytest.raises(ValueError, match=r"label must be one of 0\.\.3"):
            DiffusersPrior.from_pretrained(folder, label=wrong)
    with pytest.raises(ValueError, match="knows no classes"):
        DiffusersPrior(unet(), Discrete.linear(), label=0)


@pytest.mark.parametrize("label", [0, 4, 5])
def test_a_transformer_module(label):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(variance_type="learned_range", clip_sample=False)
    prior = DiffusersPrior(dit(), Discrete.linear(), label=label)
    labels = torch.tensor([label, label])
    assert worst(prior, scheduler, (0, 3, 999), class_labels=labels) < 1e-5


def test_between_timesteps_the_network_gets_the_fraction_or_the_nearest():
    class Told(nn.Module):
        def forward(self, x, t, return_dict=True):
            self.times = t
            return (torch.zeros_like(x),)

    told, table = Told(), Discrete.linear()
    x, level = torch.zeros(2, 3, 8, 8), table(41.75)
    DiffusersPrior(told, table).denoise(x, level)
    assert told.times.tolist() == pytest.approx([41.75] * 2, abs=1e-6)
    DiffusersPrior(told, table, timesteps="nearest").denoise(x, level)
    assert told.times.tolist() == [42, 42]


def test_learned_embeddings_take_whole_timesteps_only():
    from diffusers import DDPMScheduler

    net = unet(embedding="learned")
    prior = DiffusersPrior(net, Discrete.linear(), timesteps="nearest")
    assert worst(prior, DDPMScheduler(clip_sample=False), (0, 500, 999)) < 1e-5
    with pytest.raises(ValueError, match="timesteps='nearest'"):
        DiffusersPrior(net, Discrete.linear())
    with pytest.raises(ValueError, match="noise levels"):
        DiffusersPrior(unet(embedding="fourier"), Discrete.linear())


class Epsilon(nn.Module):
    """The noise that a mixture of Gaussians predicts, exactly, at any fraction of a timestep."""

    def __init__(self, mixture: Mixture, table: Discrete) -> None:
        super().__init__()
        self.mixture, self.table = mixture, table

    def forward(self, z, t, return_dict=True):
        level = self.table(float(t[0]))
        return ((z - level.alpha * self.mixture.denoise(z, level)) / level.sigma,)


def off_grid_error(timesteps: str) -> float:
    """The largest RMS error in x0 over its RMS, halfway between each two timesteps."""
    g = torch.Generator().manual_seed(0)
    means = torch.randn(5, 48, generator=g, dtype=torch.float64) * 0.5
    exact = Mixture((3, 4, 4), means, torch.ones(5, dtype=torch.float64), 0.05)
    table, found = Discrete.linear(), []
    prior = DiffusersPrior(Epsilon(exact, table), table, timesteps=timesteps)
    picks = torch.randint(5, (64,), generator=g)
    x0 = means[picks] + 0.05**0.5 * torch.randn(64, 48, generator=g, dtype=torch.float64)
    noise = torch.randn(64, 48, generator=g, dtype=torch.float64)
    for i in range(999):
        level = table(i + 0.5 + 1e-6)
        x = (level.alpha * x0 + level.sigma * noise).view(64, 3, 4, 4)
        want = exact.denoise(x, level)
        found.append(float((prior.denoise(x, level) - want).norm() / want.norm()))
    return max(found)


def test_rounding_a_timestep_costs_what_the_docstring_says():
    assert off_grid_error("interpolate") < 1e-9
    assert off_grid_error("nearest") == pytest.approx(0.0023, abs=1e-4)


def test_a_pipeline_out_of_reach_is_refused_without_waiting(tmp_path, monkeypatch):
    def nowhere(*address, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    def waits(seconds):
        raise AssertionError(f"waits {seconds} s for a hub that is not there")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("socket.getaddrinfo", nowhere)
    monkeypatch.setattr("time.sleep", waits)
    with pytest.raises(FileNotFoundError, match="neither cached nor within reach .*not known"):
        DiffusersPrior.from_pretrained("owner/model")


def test_pipelines_that_cannot_serve_are_refused_in_one_line(tmp_path, monkeypatch):
    from diffusers import DDPMScheduler, FlowMatchEulerDiscreteScheduler

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.pt").write_bytes(b"")
    cases = {
        tmp_path / "nowhere": (FileNotFoundError, "no such folder"),
        tmp_path / "empty": (ValueError, "no model_index.json there"),
        tmp_path / "model.pt": (ValueError, "inverse convert"),
        "owner/model": (FileNotFoundError, "hf download owner/model --local-dir FOLDER"),
        saved(tmp_path, FlowMatchEulerDiscreteScheduler()): (ValueError, "no table of betas"),
    }
    latent = saved(tmp_path / "latent", DDPMScheduler())
    index = (latent / "model_index.json").read_text()
    extra = index.replace('"unet"', '"vae": ["diffusers", "AutoencoderKL"], "unet"')
    (latent / "model_index.json").write_text(extra)
    cases[latent] = (ValueError, "not a pixel pipeline, it has scheduler, unet, vae")
    for path, (kind, message) in cases.items():
        with pytest.raises(kind, match=message) as error:
            DiffusersPrior.from_pretrained(path)
        assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_a_network_of_other_channels_is_refused():
    prior = DiffusersPrior(unet(5), Discrete.linear())
    with pytest.raises(ValueError, match="gives 5 channels"):
        prior.denoise(torch.zeros(1, 3, 8, 8), VE()(1.0))
