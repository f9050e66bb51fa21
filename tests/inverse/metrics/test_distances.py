"""DISTS, blurriness, variance ratio, and distances between sets, against what is known of them."""

import numpy as np
import pytest
import scipy.linalg
import torch
from skimage.measure import blur_effect

from inverse.metrics import DISTS, Unavailable, blurriness, coverage, variance_ratio
from inverse.metrics.sets import Features, fid, kid
from tests.inverse.cases import Means


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    """A file like torchvision's, with random numbers in it."""
    from torchvision.models.vgg import cfgs, make_layers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = make_layers(cfgs["D"])
    path = tmp_path_factory.mktemp("weights") / "vgg16-397923af.pth"
    torch.save({f"features.{name}": value for name, value in layers.state_dict().items()}, path)
    return path


def pictures(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_dists_takes_the_backbone_from_the_file(vgg):
    before = torch.random.get_rng_state()
    metric = DISTS(vgg.parent)
    assert torch.equal(torch.random.get_rng_state(), before)
    given = torch.load(vgg)
    assert torch.equal(metric.model.stage1[0].weight, given["features.0.weight"])
    assert torch.equal(metric.model.stage5[-2].bias, given["features.28.bias"])
    x, ref = pictures(2, 3, 32, 32), pictures(2, 3, 32, 32, seed=1)
    found = metric(x, ref)
    assert found.shape == (2,) and (found > 0.01).all()
    assert torch.allclose(found, metric(ref, x), atol=1e-6)
    assert torch.allclose(metric(x[1:], ref[1:]), found[1:], atol=1e-6)
    assert metric(x, x).abs().max() < 1e-5


def test_dists_without_weights_says_where_to_get_them(tmp_path, vgg):
    with pytest.raises(Unavailable, match=r"DISTS needs .*vgg16-397923af.pth to"):
        DISTS(tmp_path)
    given = torch.load(vgg)
    torch.save({k: v for k, v in given.items() if "28" not in k}, tmp_path / "part.pth")
    with pytest.raises(Unavailable, match=r"lacks features\.28"):
        DISTS(tmp_path / "part.pth")


def test_blurriness_is_that_of_scikit_image():
    x = pictures(2, 3, 40, 48)
    smooth = torch.nn.functional.avg_pool2d(x, 5, 1, 2)
    sharp, soft = blurriness(x), blurriness(smooth)
    assert (sharp < soft - 0.1).all() and blurriness(x[1:])[0] == sharp[1]
    rgb = ((x[0].double() + 1) / 2).permute(1, 2, 0).numpy()
    grey = rgb @ np.array([0.299, 0.587, 0.114])
    assert float(sharp[0]) == pytest.approx(blur_effect(grey, h_size=11), abs=1e-6)
    with pytest.raises(ValueError, match="sides of at least 11"):
        blurriness(x[..., :10])


def test_the_variance_ratio_is_one_for_honest_samples_only():
    draws = torch.randn(9, 4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    samples, truth = draws[:8], draws[8]
    assert torch.allclose(variance_ratio(samples, truth), torch.ones(4), atol=0.1)
    assert torch.allclose(variance_ratio(samples / 2, truth / 1), torch.tensor(0.27), atol=0.05)
    assert coverage(samples / 2, truth)[0].max() < coverage(samples, truth)[1]
    with pytest.raises(ValueError, match="one sample has no spread"):
        variance_ratio(samples[:1], truth)


def features(count, seed):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(seed, 1 + seed, (count, 5)) @ rng.normal(size=(5, 5)))


def test_fid_is_the_distance_of_two_normal_laws():
    real, fake = features(200, 0), features(150, 1)
    a, b = real.numpy(), fake.numpy()
    ca, cb = np.cov(a.T), np.cov(b.T)
    root = scipy.linalg.sqrtm(ca @ cb).real
    shift = a.mean(0) - b.mean(0)
    assert fid(real, fake) == pytest.approx(shift @ shift + np.trace(ca + cb - 2 * root), rel=1e-4)
    assert fid(real, real) == pytest.approx(0, abs=1e-4)


def test_kid_is_the_unbiased_mmd_of_the_cubic_kernel():
    real, fake = features(30, 0), features(30, 1)
    a, b = real.numpy(), fake.numpy()

    def kernel(x, y):
        return (x @ y.T / 5 + 1) ** 3

    def within(x):
        k = kernel(x, x)
        return (k.sum() - np.trace(k)) / (len(x) * (len(x) - 1))

    expected = within(a) + within(b) - 2 * kernel(a, b).mean()
    before = torch.random.get_rng_state()
    assert kid(real, fake) == pytest.approx(expected, rel=1e-4)
    assert torch.equal(torch.random.get_rng_state(), before)
    for metric in (fid, kid):
        with pytest.raises(ValueError, match="two pictures or more"):
            metric(real[:1], fake)
        with pytest.raises(ValueError, match=r"features must be \(N, D\)"):
            metric(real[:, :3], fake)


def test_features_come_from_a_torchscript_file(tmp_path):
    torch.jit.script(Means()).save(str(tmp_path / "means.pt"))
    network = Features(str(tmp_path / "means.pt"))
    x = [torch.full((3, 4, 4), 7, dtype=torch.uint8), torch.zeros(3, 8, 4, dtype=torch.uint8)]
    assert network(x).tolist() == [[7, 7, 7], [0, 0, 0]] and network.name == "means.pt"


def test_missing_features_are_told_where_to_get(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match=r"fetch https://.*weights-inception.*TorchScript"):
        Features("inception")
    (tmp_path / "odd.pt").write_text("odd")
    with pytest.raises(Unavailable, match="is no TorchScript file"):
        Features(str(tmp_path / "odd.pt"))
