"""EDM's ADM network: converted, the same function, preconditioned as diffusers' scheduler does."""

import json

import pytest
import torch

from inverse.levels import VE, Level
from inverse.priors import PreconditionedPrior
from inverse.priors.checkpoints import convert
from inverse.priors.checkpoints.converting import adm_unet
from inverse.priors.presets import from_diffusers
from tests.inverse.adm_reference import ADM, resized, silu

SIZE = 16


class EDM(ADM):
    """The same arithmetic in EDM's order and under its names (arXiv:2206.00364, Appendix F.3)."""

    def embedding(self, t, label):
        half = self.width // 2
        angles = t.double()[:, None] * (1 / 10000.0) ** (torch.arange(half).double() / half)
        emb = torch.cat([angles.cos(), angles.sin()], 1)
        emb = silu(self.linear("map_layer0", emb, 4 * self.width))
        emb = self.linear("map_layer1", emb, 4 * self.width)
        if self.classes:
            one_hot = torch.nn.functional.one_hot(label, self.classes + 1)[:, :-1].double()
            emb = emb + one_hot @ self.tensor("map_label.weight", 4 * self.width, self.classes).T
        return silu(emb)

    def unit(self, name, x, emb, out, resample="", attended=False):
        h = resized(silu(self.norm(f"{name}.norm0", x)), resample)
        h = self.conv(f"{name}.conv0", h, out)
        scale, shift = self.linear(f"{name}.affine", emb, 2 * out)[:, :, None, None].chunk(2, 1)
        h = silu(shift + self.norm(f"{name}.norm1", h) * (scale + 1))
        x = resized(x, resample)
        if resample:
            for part in ("conv0", "skip"):
                self.state[f"{name}.{part}.resample_filter"] = torch.full((1, 1, 2, 2), 0.25)
        x = x if x.shape[1] == out else self.conv(f"{name}.skip", x, out, 1)
        x = x + self.conv(f"{name}.conv1", h, out)
        return self.look(name, x) if attended else x

    def look(self, name, x):
        batch, channels, height, width = x.shape
        qkv = self.conv(f"{name}.qkv", self.norm(f"{name}.norm2", x), 3 * channels, 1)
        size = self.head_channels
        q, k, v = qkv.reshape(batch * channels // size, size, 3, -1).unbind(2)
        weights = torch.softmax(q.transpose(1, 2) @ k / size**0.5, -1)
        seen = (v @ weights.transpose(1, 2)).reshape(x.shape)
        return x + self.conv(f"{name}.proj", seen, channels, 1)

    def __call__(self, x, t, label=None):
        emb, side = self.embedding(t, label), x.shape[-1]
        widths = [int(self.width * m) for m in self.mult]
        h = self.conv(f"enc.{side}x{side}_conv", x.double(), widths[0])
        kept = [h]
        for level, width in enumerate(widths):
            name = f"enc.{side >> level}x{side >> level}"
            if level:
                h = self.unit(f"{name}_down", h, emb, h.shape[1], "down")
                kept.append(h)
            for i in range(self.layers):
                h = self.unit(f"{name}_block{i}", h, emb, width, "", level in self.attended)
                kept.append(h)
        for level, width in reversed(list(enumerate(widths))):
            name = f"dec.{side >> level}x{side >> level}"
            if level == len(widths) - 1:
                h = self.unit(f"{name}_in0", h, emb, width, "", True)
                h = self.unit(f"{name}_in1", h, emb, width)
            else:
                h = self.unit(f"{name}_up", h, emb, h.shape[1], "up")
            for i in range(self.layers + 1):
                h = torch.cat([h, kept.pop()], 1)
                h = self.unit(f"{name}_block{i}", h, emb, width, "", level in self.attended)
        return self.conv("out_conv", silu(self.norm("out_norm", h)), self.out)


NETWORKS = {
    "imagenet-64": EDM(mult=(1, 2, 2), layers=2, attended=(1, 2), classes=5, out=3),
    "unconditional": EDM(mult=(1, 2), layers=1, attended=(), out=3),
    "half-attended": EDM(mult=(1, 2, 2), layers=1, attended=(1,), out=3),
}


def run(network):
    x = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([-0.7, 0.9])
    label = torch.tensor([1, network.classes]) if network.classes else None  # a class and none
    return x, t, label, network(x, t, label)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_converted_networks_are_the_same_function(name, wrapped):
    x, t, label, want = run(NETWORKS[name])
    state = NETWORKS[name].state | {"map_augment.weight": torch.ones(32, 9)}
    names = sorted(state) if wrapped else list(state)
    state = {f"model.{key}" if wrapped else key: state[key] for key in names}
    with torch.no_grad():
        got = adm_unet(state, SIZE, head_channels=16)(x, t, label).sample
    assert float((got - want).abs().max() / want.abs().max()) < 1e-5


@pytest.mark.parametrize("label", [2, 5])
def test_a_converted_folder_is_edms_own_denoiser(label, tmp_path):
    network = NETWORKS["imagenet-64"]
    x, *_ = run(network)
    torch.save({"ema": network.state}, tmp_path / "edm.pt")
    folder = convert(tmp_path / "edm.pt", tmp_path / "edm", size=SIZE, head_channels=16)
    assert json.loads((folder / "model_index.json").read_text())["scheduler"][1].startswith("EDM")
    prior = from_diffusers(folder, label=label)
    assert isinstance(prior, PreconditionedPrior) and prior.shape == (3, SIZE, SIZE)
    for nsr in (0.01, 0.5, 30.0):
        spread = (nsr**2 + 0.25) ** 0.5
        level, noise = VE()(nsr), torch.full((2,), nsr).log() / 4
        raw = network(x * nsr / spread, noise, torch.full((2,), label))
        want = 0.25 / spread**2 * x * nsr + nsr * 0.5 / spread * raw
        got = prior.denoise(x * nsr, level)
        assert float((got - want).abs().max() / want.abs().max()) < 1e-5
        half = prior.denoise(0.5 * x * nsr, Level(0.5, 0.5 * nsr))
        assert torch.allclose(half, got, atol=1e-5 * float(want.abs().max()))
    with pytest.raises(ValueError, match="neither timesteps nor a clipped x0"):
        from_diffusers(folder, label=label, clip=True)


def test_it_is_diffusers_schedulers_own_x0():
    from diffusers import EDMEulerScheduler

    network = adm_unet(as_run("unconditional"), SIZE, head_channels=16)
    scheduler, prior = EDMEulerScheduler(), PreconditionedPrior(network)
    scheduler.set_timesteps(9)
    x = torch.randn(1, 3, SIZE, SIZE)
    for t in scheduler.timesteps:
        with torch.no_grad():
            z = scheduler.scale_model_input(x, t)
            nsr = float(scheduler.sigmas[scheduler.step_index])
            exact = scheduler.step(network(z, t).sample, t, x).pred_original_sample
            got = prior.denoise(x, VE()(nsr))
        assert float((got - exact).abs().max() / exact.abs().max()) < 1e-5


def as_run(name):
    run(NETWORKS[name])
    return NETWORKS[name].state


def test_what_cannot_be_expressed_is_refused_with_the_reason():
    state = as_run("unconditional")
    song = {k: v for k, v in state.items() if "out_norm" not in k}
    filters = {k: v * 2 if "filter" in k else v for k, v in state.items()}
    for message, wrong in {
        "this is a SongUNet": song,
        "not the 2 x 2 average": filters,
        "no place in UNet2DModel for u": state | {"u": torch.ones(3)},
        "no place in UNet2DModel for enc.16x16_block0.text": state
        | {"enc.16x16_block0.text.weight": torch.ones(3)},
    }.items():
        with pytest.raises(ValueError, match=message) as error:
            adm_unet(wrong, SIZE, head_channels=16)
        assert "\n" not in str(error.value)
