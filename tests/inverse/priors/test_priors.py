"""Priors: the network adapters are exact, local and careful with files."""

import pytest
import torch

from inverse.levels import VE, VP, Discrete
from inverse.priors import DiffusersPrior, EDMPrior, load_prior, save_prior
from tests.inverse.solver_cases import tiny_prior


@pytest.fixture(scope="module")
def unet():
    from diffusers import UNet2DModel

    torch.manual_seed(0)
    return UNet2DModel(
        sample_size=16,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=8,
    ).eval()


def test_a_pipeline_folder_is_loaded(unet, tmp_path):
    from diffusers import DDPMPipeline, DDPMScheduler

    DDPMPipeline(unet, DDPMScheduler(beta_schedule="squaredcos_cap_v2")).save_pretrained(tmp_path)
    prior = DiffusersPrior.from_pretrained(tmp_path)
    assert prior.shape == (3, 16, 16)
    x = torch.randn(2, 3, 16, 16)
    assert prior.denoise(x, VE()(0.7)).shape == x.shape


def test_unknown_predictions_are_refused(unet):
    with pytest.raises(ValueError, match="prediction"):
        DiffusersPrior(unet, Discrete.linear(), "noise")


def test_a_prior_is_the_same_on_every_path():
    """The same nsr on another path is the same image, rescaled."""
    x = torch.randn(2, 3, 16, 16)
    level = VP().at(0.8)
    on_vp = tiny_prior().denoise(level.alpha * x, level)
    on_ve = tiny_prior().denoise(x, VE()(0.8))
    assert torch.allclose(on_vp, on_ve, atol=1e-5)


def test_sides_that_are_no_multiple_of_eight_are_padded():
    x = torch.randn(1, 3, 13, 22)
    assert tiny_prior().denoise(x, VE()(0.3)).shape == x.shape


def test_the_network_is_local():
    """A pixel does not feel another one beyond the receptive field, nor the size of the image."""
    x = torch.randn(1, 3, 64, 64)
    y = x.clone()
    y[..., 0, 0] += 10
    level = VE()(0.5)
    change = (tiny_prior().denoise(y, level) - tiny_prior().denoise(x, level)).abs().amax((0, 1))
    assert float(change[:8, :8].max()) > 0 and float(change[-8:, -8:].max()) == 0


def test_files_round_trip_in_half_precision(tmp_path):
    path = tmp_path / "prior.safetensors"
    save_prior(tiny_prior(), path)
    loaded, x = load_prior(path), torch.randn(1, 3, 16, 16)
    assert loaded.config == tiny_prior().config
    near = loaded.denoise(x, VE()(0.5)), tiny_prior().denoise(x, VE()(0.5))
    assert torch.allclose(*near, atol=5e-3)


@pytest.mark.parametrize("damage", ["cut", "foreign", "text"])
def test_corrupt_weights_are_refused_in_one_line(tmp_path, damage):
    from safetensors.torch import save_file

    path = tmp_path / "prior.safetensors"
    save_prior(tiny_prior(), path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "foreign":
        save_file({"weight": torch.zeros(3)}, path)
    else:
        path.write_text("not weights")
    with pytest.raises(ValueError, match="corrupt or not a prior") as error:
        load_prior(path)
    assert "\n" not in str(error.value)


def test_missing_weights_and_precisions():
    with pytest.raises(FileNotFoundError, match="not found"):
        load_prior("nowhere.safetensors")
    with pytest.raises(ValueError, match="precision"):
        EDMPrior(precision="float8")
