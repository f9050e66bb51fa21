"""Masks, kernels and the files they come from."""

import numpy as np
import pytest
import torch

from operators import Fourier, Inpaint, blur_file, inpaint_file, kernels, masks, psf_file
from operators.core.files import read_array

image = pytest.importorskip("PIL.Image")

SHAPE = (3, 20, 30)


def test_random_keeps_the_fraction_it_says():
    mask = masks.random(SHAPE, keep=0.3, seed=4)
    assert mask.dtype == torch.bool and mask.shape == (20, 30) and int(mask.sum()) == 180
    assert torch.equal(mask, masks.random(SHAPE, 0.3, 4))
    assert not torch.equal(mask, masks.random(SHAPE, 0.3, 0))
    assert masks.random(SHAPE, 1.0).all() and int(masks.random(SHAPE, 1e-9).sum()) == 1


def test_box_half_brush():
    box = masks.box(SHAPE, height=4, width=6, top=1, left=2)
    assert int((~box).sum()) == 24 and not box[1:5, 2:8].any()
    assert int((~masks.box(SHAPE)).sum()) == 150
    for side, lost in (("left", 300), ("right", 300), ("top", 300), ("bottom", 300)):
        assert int((~masks.half(SHAPE, side)).sum()) == lost
    assert masks.half((1, 1, 5), "right").tolist() == [[True, True, True, False, False]]
    brush = masks.brush((3, 64, 64), seed=1)
    assert 0.02 < float((~brush).float().mean()) < 0.7
    assert torch.equal(brush, masks.brush((3, 64, 64), seed=1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: masks.random(SHAPE, keep=0.0),
        lambda: masks.random(SHAPE, keep=1.5),
        lambda: masks.random((20, 30)),
        lambda: masks.box(SHAPE, height=21),
        lambda: masks.box(SHAPE, height=20, width=30),
        lambda: masks.box(SHAPE, height=4, top=-1),
        lambda: masks.half(SHAPE, "middle"),
    ],
)
def test_wrong_masks(make):
    with pytest.raises(ValueError, match="mask"):
        make()


def test_mask_files(tmp_path):
    mask = masks.random(SHAPE, 0.5, 0)
    array = mask.numpy().astype(np.uint8)
    image.fromarray(array * 255).save(tmp_path / "m.png")
    image.fromarray(array * 255).convert("RGB").save(tmp_path / "rgb.png")
    np.save(tmp_path / "m.npy", array)
    np.savez(tmp_path / "one.npz", m=array)
    np.savez(tmp_path / "two.npz", a=array, b=1 - array)
    for name, key in (("m.png", None), ("rgb.png", None), ("m.npy", None), ("one.npz", None)):
        assert torch.equal(masks.from_file(SHAPE, tmp_path / name, key), mask), name
    assert torch.equal(masks.from_file(SHAPE, tmp_path / "two.npz", "b"), ~mask)
    assert inpaint_file(SHAPE, tmp_path / "m.png").measured == 900
    with pytest.raises(ValueError, match=r"m.png is \(20, 30\), the image is \(8, 8\)"):
        masks.from_file((3, 8, 8), tmp_path / "m.png")
    with pytest.raises(ValueError, match=r"two.npz: give the key .*\(a, b\)"):
        masks.from_file(SHAPE, tmp_path / "two.npz")


def rgba(colour, alpha):
    return image.fromarray(np.dstack([colour, alpha]).astype(np.uint8))


KEPT = masks.box(SHAPE, 6, 8).numpy()
WHITE, BLACK = np.full((20, 30, 3), 255), np.zeros((20, 30, 3))
PHOTO = np.random.default_rng(0).integers(0, 256, (20, 30, 3))
ARRAYS = {
    "H W 1": KEPT[..., None],
    "1 H W": KEPT[None],
    "H W 3": np.dstack([KEPT] * 3),
    "3 H W": np.stack([KEPT] * 3).astype(np.uint8) * 255,
    "signs": KEPT * 2.0 - 1,
    "small floats": KEPT * 0.25,
}
PICTURES = {
    "zeros and ones": lambda: image.fromarray(KEPT.astype(np.uint8)),
    "zeros and ones of 16 bits": lambda: image.fromarray(KEPT.astype(np.uint16)),
    "16 bits": lambda: image.fromarray(KEPT.astype(np.uint16) * 65535),
    "one bit": lambda: image.fromarray(KEPT),
    "white with a hole": lambda: rgba(WHITE, KEPT * 255),
    "a photograph with a hole": lambda: rgba(PHOTO, KEPT * 255),
    "white strokes on nothing": lambda: rgba(KEPT[..., None] * WHITE, KEPT * 255),
    "grey and an opaque alpha": lambda: rgba(KEPT[..., None] * WHITE, np.full((20, 30), 255)),
    "grey with alpha": lambda: rgba(WHITE, KEPT * 255).convert("LA"),
    "a palette": lambda: image.fromarray(KEPT.astype(np.uint8) * 255).convert("P"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_one_mask_in_every_layout(tmp_path, name):
    np.save(tmp_path / "M.NPY.npy", ARRAYS[name])
    (tmp_path / "M.NPY.npy").rename(tmp_path / "M.NPY")
    found = masks.from_file(SHAPE, tmp_path / "M.NPY")
    assert np.array_equal(found.numpy(), KEPT)


def test_an_array_may_differ_between_channels(tmp_path):
    several = masks.random(SHAPE, 0.5, channelwise=True)
    for array in (several, several.permute(1, 2, 0)):
        np.save(tmp_path / "m.npy", array.numpy())
        assert torch.equal(masks.from_file(SHAPE, tmp_path / "m.npy"), several)
        assert inpaint_file(SHAPE, tmp_path / "m.npy").measured == 900


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_one_mask_in_every_kind(tmp_path, name):
    PICTURES[name]().save(tmp_path / "m.png")
    mask, reading = masks.read(SHAPE, tmp_path / "m.png")
    assert np.array_equal(mask.numpy(), KEPT)
    assert "92.0%" in reading
    assert ("opaque = kept" in reading) == name.startswith(("white", "a photo", "grey with"))
    assert inpaint_file(SHAPE, tmp_path / "m.png").reading == reading


@pytest.mark.parametrize("turn", range(1, 9))
def test_masks_and_kernels_are_turned_as_images_are(tmp_path, turn):
    from inverse.images import load_image

    exif = image.Exif()
    exif[0x0112] = turn
    image.fromarray(masks.random(SHAPE, 0.5).numpy()).convert("L").save(
        tmp_path / "m.png", exif=exif
    )
    seen = load_image(tmp_path / "m.png")
    assert torch.equal(masks.from_file(seen.shape, tmp_path / "m.png"), seen[0] > 0)
    assert torch.equal(read_array(tmp_path / "m.png") > 0.5, seen[0] > 0)


AMBIGUOUS = {
    "black strokes on nothing": lambda: rgba(BLACK, KEPT * 255),
    "red strokes on nothing": lambda: rgba(BLACK + (255, 0, 0), KEPT * 255),
    "black, white and clear": lambda: rgba(WHITE * (np.arange(30) > 15)[:, None], KEPT * 255),
    "0 and 100": lambda: image.fromarray(KEPT.astype(np.uint8) * 100),
    "200 and 255": lambda: image.fromarray(KEPT.astype(np.uint8) * 55 + 200),
    "labels": KEPT + 1,
    "soft": KEPT * np.linspace(0, 1, 30),
    "complex": KEPT * 1j,
    "text": np.array([["a"]]),
    "two channels": np.stack([KEPT] * 2),
    "turned": KEPT.T,
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_masks_that_may_mean_either_are_refused_in_one_line(tmp_path, name):
    given = AMBIGUOUS[name]
    path = tmp_path / ("m.npy" if isinstance(given, np.ndarray) else "m.png")
    np.save(path, given) if isinstance(given, np.ndarray) else given().save(path)
    with pytest.raises(ValueError, match=path.name) as error:
        masks.from_file(SHAPE, path)
    assert "\n" not in str(error.value)


def test_a_mask_of_bytes_may_hold_255():
    kept = torch.from_numpy(KEPT)
    for make in (Inpaint, Fourier):
        made = make(SHAPE, kept.to(torch.uint8) * 255)
        assert made.measured == make(SHAPE, kept).measured
        with pytest.raises(ValueError, match="only 0"):
            make(SHAPE, kept.to(torch.uint8) * 254)


def test_unreadable_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        masks.from_file(SHAPE, tmp_path / "none.png")
    for name in ("bad.png", "bad.npy", "bad.npz"):
        (tmp_path / name).write_bytes(b"this is not an image")
        with pytest.raises(ValueError, match="cannot be read") as error:
            masks.from_file(SHAPE, tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError):
        kernels.from_file(tmp_path / "none.npy")


@pytest.mark.parametrize(
    "kernel",
    [
        kernels.gaussian(61, 3.0),
        kernels.gaussian(1, 1.0),
        kernels.motion(61, 0),
        kernels.motion(9, 7, extent=1.0, curl=4.0),
        kernels.motion(1, 0),
        kernels.defocus(15),
        kernels.defocus(7, 2.2),
    ],
)
def test_kernels_sum_to_one(kernel):
    assert kernel.dtype == torch.float64 and kernel.shape[0] == kernel.shape[1]
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-12) and float(kernel.min()) >= 0


def test_gaussian_has_its_width():
    kernel, i = kernels.gaussian(61, 3.0), torch.arange(61, dtype=torch.float64) - 30
    assert float((kernel.sum(1) * i**2).sum()) == pytest.approx(9, rel=1e-3)
    assert torch.allclose(kernel, kernel.flip(0, 1)) and torch.allclose(kernel, kernel.T)


def test_motion_depends_on_its_seed_only():
    assert torch.equal(kernels.motion(31, 2), kernels.motion(31, 2))
    assert not torch.allclose(kernels.motion(31, 2), kernels.motion(31, 3))
    rows = torch.nonzero(kernels.motion(61, 2, extent=0.5))
    spread = (rows.amax(0) - rows.amin(0)).max()
    assert 29 <= int(spread) <= 33
    bright = kernels.motion(61, 2) > 0
    assert bright.float().mean() < 0.1  # a track, not a blob


def test_kernel_files(tmp_path):
    np.save(tmp_path / "k.npy", np.full((3, 5), 2.0))
    kernel = kernels.from_file(tmp_path / "k.npy")
    assert kernel.shape == (3, 5) and float(kernel.sum()) == pytest.approx(1)
    for array in (np.ones((4, 4, 3)), np.ones(3), np.zeros((3, 3)), np.full((3, 3), np.nan)):
        np.save(tmp_path / "bad.npy", array)
        with pytest.raises(ValueError, match="kernel"):
            kernels.from_file(tmp_path / "bad.npy")


def test_the_middle_of_an_even_kernel_is_where_fftshift_has_it(tmp_path):
    even = np.zeros((4, 6))
    even[2, 3] = 1
    np.save(tmp_path / "k.npy", even)
    kernel = kernels.from_file(tmp_path / "k.npy")
    assert kernel.shape == (5, 7) and float(kernel[2, 3]) == 1
    x = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(blur_file(SHAPE, tmp_path / "k.npy")(x), x, atol=1e-6)


def test_kernels_come_from_matlab_hdf5_and_fits_too(tmp_path):
    from scipy.io import savemat

    kernel = np.arange(15.0).reshape(3, 5)
    savemat(tmp_path / "k.mat", {"kernel": kernel, "other": np.ones((2, 2))})
    files = [("k.mat", "kernel")]
    if h5py := pytest.importorskip("h5py", reason="the extra files is not installed"):
        with h5py.File(tmp_path / "k.h5", "w") as file:
            file["psf/kernel"] = kernel
        files.append(("k.h5", None))
    fits = pytest.importorskip("astropy.io.fits", reason="the extra files is not installed")
    fits.PrimaryHDU(kernel).writeto(tmp_path / "k.fits")
    for name, key in (*files, ("k.fits", None)):
        found = kernels.from_file(tmp_path / name, key)
        assert np.allclose(found.numpy(), kernel / kernel.sum()), name
    with pytest.raises(ValueError, match=r"key of one of its arrays \(kernel, other\)"):
        kernels.from_file(tmp_path / "k.mat")


def test_a_mask_is_inverted_and_cut_as_photographs_are(tmp_path):
    mask = masks.box((1, 40, 80), height=10, width=12).numpy()
    image.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / "m.png")
    whole, lost = ((1, 40, 80), tmp_path / "m.png"), masks.from_file
    assert torch.equal(lost(*whole, invert=True), ~lost(*whole))
    square = inpaint_file((3, 20, 20), tmp_path / "m.png", resize=True)
    assert torch.equal(square.mask[0, 0] == 1, masks.box((1, 20, 20), height=5, width=6))
    assert "resized from (40, 80) to (20, 20)" in square.reading
    with pytest.raises(ValueError, match="resize=true"):
        inpaint_file((3, 20, 20), tmp_path / "m.png")


@pytest.mark.parametrize(
    "make",
    [
        lambda: kernels.gaussian(60, 3.0),
        lambda: kernels.gaussian(61, 0.0),
        lambda: kernels.motion(0),
        lambda: kernels.motion(9, extent=0),
        lambda: kernels.defocus(9, 6.0),
    ],
)
def test_wrong_kernels(make):
    with pytest.raises(ValueError, match="kernel"):
        make()


def test_a_bead_is_a_kernel_without_its_background(tmp_path):
    bead = 10 + 90 * kernels.gaussian(9, 1.5) / kernels.gaussian(9, 1.5).max()
    np.save(tmp_path / "bead.npy", bead.numpy())
    made = kernels.from_file(tmp_path / "bead.npy", background=0.1)
    assert torch.allclose(made, kernels.gaussian(9, 1.5), atol=1e-6)
    blurred = psf_file(SHAPE, tmp_path / "bead.npy", background=0.1)
    x = torch.ones(1, *SHAPE)
    assert torch.allclose(blurred(x), x, atol=1e-5)  # its borders lose no light
    valid = psf_file(SHAPE, tmp_path / "bead.npy", background=0.1, padding="valid")
    assert valid.out_shape == (3, 12, 22)
    frames = [image.new("L", (4, 4), k) for k in (1, 2)]
    frames[0].save(tmp_path / "stack.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="has 2 pages"):
        kernels.from_file(tmp_path / "stack.tif")
