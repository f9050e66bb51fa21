"""What comes from instruments: k-space with its coils, JPEG files with their tables."""

import numpy as np
import pytest
import torch
from torch.fft import fftshift

from operators import MRI, jpeg, jpeg_file, kspace, mri_coils, mri_scan

SHAPE = (2, 32, 40)


def scanned(coils, acceleration=2.0, centre=0.3, scale=250.0):
    """A smooth real image, and what coils scan of it, frequency zero in the middle."""
    rows, columns = (torch.linspace(-1, 1, n, dtype=torch.float64) for n in SHAPE[1:])
    x = torch.exp(-3 * (rows[:, None] ** 2 + columns**2)) * (1 + 0.3 * torch.cos(9 * columns))
    maps = kspace.birdcage(SHAPE, coils)
    mask = kspace.lines(SHAPE, acceleration, centre)
    z = torch.fft.fft2(torch.fft.ifftshift(maps * x, (-2, -1)), norm="ortho") * mask
    return x, (scale * fftshift(z, (-2, -1))).numpy(), mask


def test_one_coil_measures_what_is_not_zero_in_its_file(tmp_path):
    x, z, mask = scanned(1)
    np.save(tmp_path / "k.npy", z[0])
    operator = mri_scan(SHAPE, tmp_path / "k.npy")
    assert isinstance(operator, MRI) and operator.closed_form
    y = operator.arranged(torch.view_as_real(torch.from_numpy(z)))[None].float()
    assert torch.equal(operator.support(torch.ones_like(y))[0, 0, ..., 0] > 0, mask)
    image = kspace.to_complex(operator.adjoint(y))[0, 0]
    assert float(image.abs().max()) == pytest.approx(1, rel=1e-5)
    assert f"{float(mask.double().mean()):.1%} of k-space" in operator.reading


def test_the_maps_of_coils_come_from_the_middle_of_their_file(tmp_path):
    x, z, mask = scanned(6)
    np.save(tmp_path / "k.npy", z)
    operator = mri_coils(SHAPE, tmp_path / "k.npy")
    power = operator.maps.abs().square().sum(1)
    assert torch.allclose(power, torch.ones_like(power), atol=1e-5)
    y = operator.arranged(torch.view_as_real(torch.from_numpy(z)))[None].float()
    found = operator.prox(torch.zeros(1, *SHAPE), y, 1e-3)
    truth = x / x.max()
    scale = float(found[0, 0].flatten() @ truth.float().flatten() / truth.square().sum())
    wrong = torch.stack([found[0, 0] / scale - truth, found[0, 1] / scale])
    assert float(wrong.norm() / truth.norm()) < 0.08  # real, and itself
    assert "maps of 6 coils from its middle 13 x 13" in operator.reading


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda z: z.real, {}, "must be complex"),
        (lambda z: z[:, 1:], {}, "must be complex"),
        (lambda z: np.stack([z, z]), {}, "give page="),
        (lambda z: z * np.nan, {}, "NaN"),
        (lambda z: z * 0, {}, "nothing but zeros"),
        (lambda z: z, {"centre": 30}, "sampled without a gap on 13 rows"),
    ],
)
def test_k_space_that_cannot_be_used_is_told(tmp_path, change, options, message):
    np.save(tmp_path / "k.npy", change(scanned(4)[1]))
    with pytest.raises(ValueError, match=message):
        mri_coils(SHAPE, tmp_path / "k.npy", **options)


def test_a_slice_of_a_volume_is_a_page(tmp_path):
    h5py = pytest.importorskip("h5py", reason="the extra files is not installed")
    z = scanned(4)[1]
    with h5py.File(tmp_path / "k.h5", "w") as file:
        file["kspace"], file["reconstruction_rss"] = np.stack([0 * z, z]), np.ones(3)
    operator = mri_coils(SHAPE, tmp_path / "k.h5", key="kspace", page=1)
    assert operator.out_shape == (4, 32, 40, 2)


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("quality", [15, 80])
def test_a_jpeg_file_is_coded_again_as_it_was(tmp_path, quality, sampling):
    image = pytest.importorskip("PIL.Image")
    grid = np.linspace(0, 3, 50)
    pixels = np.stack([np.sin(grid[:37, None] * k + grid * (3 - k)) for k in range(3)], 2)
    pixels = (127.5 + 90 * pixels).astype(np.uint8)
    image.fromarray(pixels).save(tmp_path / "a.jpg", quality=quality, subsampling=sampling)
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    again = (jpeg_file((3, 37, 50), tmp_path / "a.jpg")(x) + 1) * 127.5
    saved = torch.from_numpy(np.asarray(image.open(tmp_path / "a.jpg"))).permute(2, 0, 1)
    assert float((again[0] - saved).abs().mean()) < 0.6
    if sampling == "4:2:0":
        assert torch.equal(again, (jpeg((3, 37, 50), quality)(x) + 1) * 127.5)


def test_a_file_that_is_no_jpeg_is_told(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(ValueError, match="is no JPEG file"):
        jpeg_file((3, 8, 8), tmp_path / "a.jpg")
