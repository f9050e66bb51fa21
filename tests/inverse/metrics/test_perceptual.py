"""Metrics against known values, against another library, and where their parts are missing."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from inverse.images import load_image, sample_photograph, to_unit
from inverse.metrics import LPIPS, Unavailable, psnr, score, ssim
from inverse.metrics.backbones import FILES

DATA = Path(os.environ.get("INVERSE_DATA", "/nowhere")) / "weights" / "lpips"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="no weights/lpips under $INVERSE_DATA (the shared data pack)"
)


def pair(batch=1, size=64, seed=0, noise=0.2):
    rng = torch.Generator().manual_seed(seed)
    names = ("astronaut", "chelsea", "coffee", "rocket")
    ref = torch.stack([sample_photograph(names[i % 4], size=size) for i in range(batch)])
    return ref + noise * torch.randn(ref.shape, generator=rng), ref


def test_psnr_by_hand():
    ref = torch.zeros(2, 3, 4, 4)  # grey, 0.5 on [0, 1]
    x = ref.clone()
    x[0] += 0.2  # 0.1 on [0, 1] everywhere: mse 0.01
    x[1, 0] += 0.2  # in one channel of three
    expected = torch.tensor([20.0, 20 + 10 * math.log10(3)])
    assert torch.allclose(psnr(x, ref), expected, atol=1e-4)


def test_psnr_clamps_and_is_infinite_for_equal_images():
    white = torch.ones(1, 3, 4, 4)
    assert psnr(white + 5, white).item() == math.inf


@pytest.mark.parametrize("size", [11, 64, 100])
def test_ssim_equals_scikit_image(size):
    from skimage.metrics import structural_similarity

    x, ref = pair(batch=2, size=size)
    ours = ssim(x, ref)
    for i in range(2):
        a, b = (to_unit(v[i]).permute(1, 2, 0).double().numpy() for v in (x, ref))
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        theirs = structural_similarity(a, b, data_range=1.0, channel_axis=2, **options)
        assert ours[i].item() == pytest.approx(theirs, abs=2e-5)


def test_ssim_refuses_images_below_its_window():
    with pytest.raises(ValueError, match="at least 11"):
        ssim(torch.zeros(1, 3, 8, 32), torch.zeros(1, 3, 8, 32))


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_shapes_must_match(metric):
    with pytest.raises(ValueError, match="match their shapes"):
        metric(torch.zeros(2, 3, 16, 16), torch.zeros(1, 3, 16, 16))
    with pytest.raises(ValueError, match="match their shapes"):
        metric(torch.zeros(3, 16, 16), torch.zeros(3, 16, 16))


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_a_batch_is_its_singles(metric):
    x, ref = pair(batch=3)
    singles = torch.cat([metric(x[i : i + 1], ref[i : i + 1]) for i in range(3)])
    assert torch.allclose(metric(x, ref), singles, atol=1e-5)


def test_score_leaves_lpips_out_when_there_is_none():
    values = score(*pair(batch=2))
    assert set(values) == {"psnr", "ssim"} and all(len(v) == 2 for v in values.values())


@needs_data
@pytest.mark.parametrize(
    ("net", "far", "near"), [("alex", 0.7219, 0.1376), ("squeeze", 0.7110, 0.1479)]
)
def test_lpips_example_pairs(net, far, near):
    ref, p0, p1 = (load_image(DATA / f"ex_{n}.png") for n in ("ref", "p0", "p1"))
    distance = LPIPS(net, DATA)(torch.stack([p0, p1]), torch.stack([ref, ref]))
    assert distance.tolist() == pytest.approx([far, near], abs=1e-4)


@needs_data
def test_lpips_batch_is_its_singles_and_grey_is_repeated():
    metric = LPIPS("alex", DATA / "lpips_alex_v0.1.npz")
    x, ref = pair(batch=3)
    singles = torch.cat([metric(x[i : i + 1], ref[i : i + 1]) for i in range(3)])
    assert torch.allclose(metric(x, ref), singles, atol=1e-5)
    grey, grey_ref = x[:, :1], ref[:, :1]
    wide = metric(grey.expand(-1, 3, -1, -1), grey_ref.expand(-1, 3, -1, -1))
    assert torch.allclose(metric(grey, grey_ref), wide, atol=1e-6)
    assert score(x, ref, metric)["lpips"] == pytest.approx(singles.tolist(), abs=1e-5)


@needs_data
@pytest.mark.parametrize(("net", "smallest"), [("alex", 31), ("squeeze", 17)])
def test_lpips_smallest_image(net, smallest):
    metric = LPIPS(net, DATA)
    x = torch.zeros(1, 3, smallest, smallest)
    assert metric(x, x).item() == 0
    with pytest.raises(ValueError, match=f"at least {smallest}"):
        metric(x[..., 1:], x[..., 1:])


@needs_data
def test_lpips_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    LPIPS("squeeze", DATA)
    assert torch.equal(before, torch.get_rng_state())


@needs_data
def test_lpips_finds_weights_by_variable_and_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INVERSE_DATA", str(DATA.parents[1]))
    by_variable = LPIPS("squeeze")
    monkeypatch.delenv("INVERSE_DATA")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    with np.load(DATA / "lpips_squeeze_v0.1.npz") as arrays:
        backbone = {k: torch.from_numpy(v) for k, v in arrays.items() if k.startswith("features")}
    torch.save(backbone, cache / FILES["squeeze"])
    x, ref = pair()
    assert torch.allclose(LPIPS("squeeze")(x, ref), by_variable(x, ref), atol=1e-6)


@pytest.fixture
def bare(tmp_path, monkeypatch):
    monkeypatch.delenv("INVERSE_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def one_line(error):
    text = str(error.value)
    assert "\n" not in text and "https://download.pytorch.org/models/" in text
    return text


def test_lpips_without_weights_says_where_they_go(bare):
    with pytest.raises(Unavailable) as error:
        LPIPS("alex")
    assert str(bare / "torch" / "hub" / "checkpoints" / FILES["alex"]) in one_line(error)


@pytest.mark.parametrize("name", ["w.npz", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 cut short"])
def test_lpips_with_a_corrupt_file(bare, name, content):
    (bare / name).write_bytes(content)
    with pytest.raises(Unavailable, match="cannot read") as error:
        LPIPS("alex", bare / name)
    assert str(bare / name) in one_line(error)


def test_lpips_with_the_weights_of_another_network(bare):
    np.savez(bare / "w.npz", **{"features.0.weight": np.zeros((2, 3, 3, 3), np.float32)})
    with pytest.raises(Unavailable, match=r"does not fit at features\.0"):
        LPIPS("alex", bare / "w.npz")


def test_lpips_failed_download_leaves_nothing(bare, monkeypatch):
    def offline(url, timeout):
        raise OSError("no route to host")

    monkeypatch.setattr("inverse.metrics.backbones.urlopen", offline)
    with pytest.raises(Unavailable, match="no route"):
        LPIPS("alex", download=True)
    assert not (bare / "torch").exists()


def test_lpips_download_is_checked(bare, monkeypatch):
    import io

    monkeypatch.setattr("inverse.metrics.backbones.urlopen", lambda url, timeout: io.BytesIO(b"x"))
    with pytest.raises(Unavailable, match="another hash"):
        LPIPS("alex", download=True)
    assert not (bare / "torch").exists()


def test_unknown_network():
    with pytest.raises(ValueError, match="alex, squeeze, vgg"):
        LPIPS("resnet")
