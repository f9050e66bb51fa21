"""The papers' checkpoints: converted, they are the same function; what cannot be is refused."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from inverse.priors import DiffusersPrior
from inverse.priors.checkpoints import convert, load_state
from inverse.priors.checkpoints.adm import Layout, configuration
from inverse.priors.checkpoints.converting import adm_unet
from tests.inverse.adm_reference import ADM

NETWORKS = {  # what the checkpoints named are like, at a small width
    "ffhq": (ADM(mult=(1, 1, 2), layers=1, attended=(2,)), {}),
    "imagenet-256": (ADM(mult=(1, 2, 2), layers=2, attended=(1, 2)), {}),
    "imagenet-64": (
        ADM(layers=3, classes=5, new_order=True), {"attention": "new"},
    ),
    "all-attended": (ADM(attended=(0, 1), classes=3), {}),
    "cifar": (
        ADM(mult=(1, 2, 2), updown=False, heads=4, head_channels=None, attended=(1, 2)),
        {"heads": 4, "head_channels": None},
    ),
    "no-scale-shift": (ADM(scale_shift=False, out=3), {}),
    "one-level": (ADM(mult=(1,), layers=2, attended=(0,)), {}),
}  # fmt: skip


def run(network: ADM, seed: int = 0):
    """A state, its timesteps and labels, and what the network makes of them in float64."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, network.image, 16, 16, generator=generator)
    t, label = torch.tensor([3.0, 741.25]), None
    if network.classes:
        label = torch.tensor([0, network.classes - 1])
    return x, t, label, network(x, t, label)


@pytest.mark.parametrize("name", NETWORKS)
def test_converted_networks_are_the_same_function(name):
    network, options = NETWORKS[name]
    x, t, label, want = run(network)
    unet = adm_unet(network.state, 16, **({"head_channels": 16} | options))
    with torch.no_grad():
        got = unet(x, t, label).sample
    assert float((got - want).abs().max() / want.abs().max()) < 1e-5
    assert float((want - want.flip(0)).abs().max()) > 0.1  # it is not constant


def test_the_wrong_order_of_attention_is_another_function():
    network, _ = NETWORKS["imagenet-256"]
    x, t, label, want = run(network)
    for wrong in ({"attention": "new", "head_channels": 16}, {"head_channels": 32}):
        with torch.no_grad():
            got = adm_unet(network.state, 16, **wrong)(x, t, label).sample
        assert float((got - want).abs().max() / want.abs().max()) > 1e-3


def test_a_converted_folder_is_a_prior(tmp_path):
    network, _ = NETWORKS["ffhq"]
    x, t, _, _ = run(network)
    torch.save(network.state, tmp_path / "ffhq.pt")
    folder = convert(tmp_path / "ffhq.pt", tmp_path / "ffhq", size=16, head_channels=16)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ffhq", "ffhq.pt"]
    prior = DiffusersPrior.from_pretrained(folder, clip=False)
    level = prior.schedule(500)
    noise = network(x, torch.tensor([500.0, 500.0]))[:, :3]
    want = (x - level.sigma * noise) / level.alpha
    assert prior.shape == (3, 16, 16)
    assert float((prior.denoise(x, level) - want).abs().max() / want.abs().max()) < 1e-5
    scheduler = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    assert scheduler["variance_type"] == "learned_range" and scheduler["clip_sample"]
    with pytest.raises(FileExistsError, match="give a new folder"):
        convert(tmp_path / "ffhq.pt", folder)


@pytest.mark.parametrize(
    ("steps", "betas"), [(1000, "linear"), (4000, "linear"), (1000, "cosine"), (4000, "cosine")]
)
def test_tables_of_betas(steps, betas, tmp_path):
    network, _ = NETWORKS["one-level"]
    run(network)
    save_file(network.state, tmp_path / "x.safetensors")
    options = {"size": 16, "head_channels": 16, "steps": steps, "betas": betas}
    folder = convert(tmp_path / "x.safetensors", tmp_path / "out", **options)
    table = DiffusersPrior.from_pretrained(folder).schedule
    time = torch.arange(1, steps + 1, dtype=torch.float64) / steps
    if betas == "linear":  # Nichol and Dhariwal, 2021: DDPM's, scaled to the number of steps
        beta = torch.linspace(1e-4, 0.02, steps, dtype=torch.float64) * 1000 / steps
        want = (1 - beta).cumprod(0)
    else:  # eq. 17
        want = (torch.cos((time + 0.008) / 1.008 * torch.pi / 2) ** 2) / (
            torch.cos(torch.tensor(0.008 / 1.008 * torch.pi / 2)) ** 2
        )
    got = torch.tensor([table(i).alpha ** 2 for i in range(steps - 2)])
    assert torch.allclose(got.double(), want[:-2], rtol=1e-3, atol=1e-9)


def refusals():
    ffhq, cifar = NETWORKS["ffhq"][0], NETWORKS["cifar"][0]
    run(ffhq), run(cifar)
    half = ADM(mult=(0.5, 1), width=64, attended=(1,))
    half(torch.zeros(1, 3, 8, 8), torch.zeros(1))
    upscaler = ADM(image=6, out=3)
    upscaler(torch.zeros(1, 6, 8, 8), torch.zeros(1))
    several = ADM(mult=(1, 2, 3), attended=(1, 2), heads=4, head_channels=None)
    several(torch.zeros(1, 3, 8, 8), torch.zeros(1))
    classifier = {k: v for k, v in ffhq.state.items() if not k.startswith("output_blocks")}
    pooled = {k: v for k, v in cifar.state.items() if "op" not in k and ".conv." not in k}
    heads = {"heads": 4, "head_channels": None}
    return {
        "channel_mult[0] is not 1": (half.state, {}),
        "attentions of 64, 96 channels": (several.state, heads),
        "a super-resolution network": (upscaler.state, {}),
        "this is a classifier": (classifier, {}),
        "resamples without convolutions": (pooled, heads),
        "no place in UNet2DModel for text.weight": (
            ffhq.state | {"text.weight": torch.ones(1)}, {},
        ),
        "not a guided-diffusion network": ({"weight": torch.ones(1)}, {}),
        "not the network that it seems": (
            {k: v for k, v in ffhq.state.items() if "input_blocks.2.0.in_layers.2" not in k}, {},
        ),
        "do not divide": (ffhq.state, {"head_channels": 48}),
        "give head_channels": (ffhq.state, {"heads": 4}),
        "attention must be one of": (ffhq.state, {"attention": "old"}),
    }  # fmt: skip


def test_what_cannot_be_expressed_is_refused_with_the_reason():
    for message, (state, options) in refusals().items():
        with pytest.raises(ValueError, match=message.replace("[", r"\[")) as error:
            adm_unet(state, 16, **({"head_channels": 16} | options))
        assert "\n" not in str(error.value)


class Hostile:
    def __reduce__(self):
        return exec, ("raise SystemExit('code of the file was run')",)


def test_files_are_read_without_running_them(tmp_path):
    state = {"a": torch.ones(2, dtype=torch.float16), "b": torch.zeros(1)}
    wrapped = {"module.a": state["a"], "module.b": state["b"]}
    for content in (state, wrapped, {"model": {"c": torch.ones(1)}, "ema": wrapped, "step": 3}):
        torch.save(content, tmp_path / "x.pt")
        got = load_state(tmp_path / "x.pt")
        assert got.keys() == {"a", "b"} and got["a"].dtype == torch.float32
    torch.save({"a": Hostile()}, tmp_path / "hostile.pt")
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps(Hostile()))
    torch.save(torch.nn.Linear(1, 1), tmp_path / "module.pt")
    for name in ("hostile.pt", "bare.pkl", "module.pt"):
        with pytest.raises(ValueError, match="could run code") as error:
            load_state(tmp_path / name)
        assert "\n" not in str(error.value)


def test_a_network_is_found_under_the_name_that_another_program_kept_it_by(tmp_path):
    network, options = NETWORKS["one-level"]
    state = {f"model.{name}": tensor for name, tensor in network.state.items()}
    torch.save({"state_dict": state | {"loss.weight": torch.ones(1)}}, tmp_path / "x.ckpt")
    convert(tmp_path / "x.ckpt", tmp_path / "prior", size=16, **({"head_channels": 16} | options))
    assert (tmp_path / "prior" / "unet" / "config.json").is_file()


def test_what_is_no_state_dict_is_refused(tmp_path):
    torch.save({"step": 3}, tmp_path / "none.pt")
    torch.save([torch.ones(1)], tmp_path / "list.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "none.pt").read_bytes()[:200])
    (tmp_path / "cut.safetensors").write_bytes(b"123")
    for name, message in {
        "none.pt": "no state dict",
        "list.pt": "no state dict",
        "cut.pt": "corrupt",
        "cut.safetensors": "corrupt",
    }.items():
        with pytest.raises(ValueError, match=message) as error:
            load_state(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_state(tmp_path / "nowhere.pt")


@pytest.mark.parametrize(
    ("width", "layers", "attention", "parameters"),
    [(128, 1, (4,), 93_563_910), (256, 2, (3, 4, 5), 552_814_086)],
    ids=["ffhq-10m", "imagenet-256-uncond"],
)
def test_the_released_networks_have_as_many_parameters(width, layers, attention, parameters):
    from diffusers import UNet2DModel

    channels = tuple(width * m for m in (1, 1, 2, 2, 4, 4))
    has = tuple(level in attention for level in range(6))
    layout = Layout(channels, layers, has, True, True, 3, 6, None)
    with torch.device("meta"):
        unet = UNet2DModel(**configuration(layout, 64, 256))
    assert sum(p.numel() for p in unet.parameters()) == parameters
