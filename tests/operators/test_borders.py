"""Blurs with every kind of border, anisotropic and varying ones, against scipy and by hand."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from operators import (
    Blur,
    CosineBlur,
    PaddedBlur,
    Separable,
    VaryingBlur,
    blur_anisotropic,
    blur_defocus,
    blur_file,
    blur_gaussian,
    blur_kernel,
    blur_lens,
    blur_line,
    blur_motion,
    blur_varying,
    checks,
    kernels,
)
from operators.blurs.borders import PADDINGS, Border
from operators.blurs.mirrored import transform
from operators.blurs.varying import patches, rings
from tests.operators.counting import ops
from tests.operators.operator_cases import close, dense

SHAPE = (2, 11, 12)
SCIPY = {  # ours: scipy.ndimage's name
    "zero": "constant",
    "reflect": "mirror",
    "symmetric": "reflect",
    "replicate": "nearest",
    "circular": "wrap",
}
KERNELS = {
    "separable": kernels.gaussian(5, 1.3),
    "even": kernels.defocus(7),
    "any": torch.rand(5, 3, generator=torch.Generator().manual_seed(0)).double(),
    "one row": torch.tensor([[0.1, 0.7, 0.4]], dtype=torch.float64),
    "one pixel": torch.full((1, 1), 1.5, dtype=torch.float64),
    "as large as the image": kernels.motion(11, 2, extent=1.0),
}
CLASSES = {  # for the paddings other than circular and symmetric, and for symmetric
    "separable": (Separable, Separable),
    "even": (PaddedBlur, CosineBlur),
    "any": (PaddedBlur, PaddedBlur),
    "one row": (Separable, Separable),
    "one pixel": (Separable, Separable),
    "as large as the image": (PaddedBlur, PaddedBlur),
}


def image(shape=SHAPE, batch=2):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0)).double()


def by_scipy(x, kernel, padding):
    ndimage = pytest.importorskip("scipy.ndimage")
    mode = SCIPY.get(padding, "constant")
    rows = x.flatten(0, -3).numpy()
    y = np.stack([ndimage.convolve(row, kernel.numpy(), mode=mode) for row in rows])
    y = torch.from_numpy(y).view(x.shape)
    if padding == "valid":
        i, j = (side // 2 for side in kernel.shape)
        y = y[..., i : y.shape[-2] - i, j : y.shape[-1] - j]
    return y


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("padding", PADDINGS)
def test_every_border_is_scipys(name, padding):
    kernel, x = KERNELS[name], image()
    best = blur_kernel(SHAPE, kernel, padding).double()
    want = Blur if padding == "circular" else CLASSES[name][padding == "symmetric"]
    assert type(best) is want and best.closed_form is (want is not PaddedBlur)
    for operator in (best, PaddedBlur(SHAPE, kernel, padding).double()):
        y = operator(x)
        assert y.shape[1:] == operator.out_shape
        close(y, by_scipy(x, kernel, padding), 1e-13)
        checks.dot_test(operator)


@pytest.mark.parametrize("padding", ["reflect", "replicate", "circular"])
def test_borders_are_torchs(padding):
    x, kernel = image(), KERNELS["any"]
    wide = torch.nn.functional.pad(x, (1, 1, 2, 2), padding)
    weight = kernel.flip(0, 1).expand(2, 1, 5, 3)
    want = torch.nn.functional.conv2d(wide, weight, groups=2)
    close(PaddedBlur(SHAPE, kernel, padding).double()(x), want, 1e-13)


def test_closed_and_iterated_solves_agree():
    x = image()
    for kernel, padding in (("separable", "replicate"), ("even", "symmetric")):
        best = blur_kernel(SHAPE, KERNELS[kernel], padding).double()
        slow = PaddedBlur(SHAPE, KERNELS[kernel], padding).double()
        assert best.closed_form and not slow.closed_form
        close(best.gram_solve(x, 0.05), slow.gram_solve(x, 0.05), 1e-9)
        close(best.prox(x, x, 0.05), slow.prox(x, x, 0.05), 1e-9)
        assert best.norm() == pytest.approx(slow.norm(), rel=1e-9)


def test_whole_sample_symmetry_has_no_cosine_form():
    """torch's "reflect" makes a matrix that is not even normal."""
    reflect = dense(PaddedBlur((1, 5, 6), KERNELS["even"][2:5, 2:5], "reflect"))[0]
    symmetric = dense(PaddedBlur((1, 5, 6), KERNELS["even"][2:5, 2:5], "symmetric"))[0]
    assert not torch.allclose(reflect @ reflect.T, reflect.T @ reflect, atol=1e-3)
    assert torch.allclose(symmetric, symmetric.T, atol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 7, 256])
def test_the_cosine_transform_is_scipys(n):
    fft = pytest.importorskip("scipy.fft")
    want = fft.dct(np.eye(n), type=2, norm="ortho", axis=0)
    assert np.abs(transform(n).numpy() - want).max() < 1e-14
    assert torch.allclose(transform(n) @ transform(n).T, torch.eye(n).double(), atol=1e-13)


def test_gain_is_the_kernels_sum():
    kernel = 3 * KERNELS["separable"]
    for padding in ("reflect", "symmetric", "replicate", "circular", "valid"):
        y = blur_kernel(SHAPE, kernel, padding)(torch.ones(1, *SHAPE))
        assert torch.allclose(y, torch.full_like(y, 3.0), atol=1e-5)


def test_one_kernel_per_sample_and_per_channel():
    x = image(batch=3)
    several = torch.stack([kernels.gaussian(5, s) for s in (0.5, 1.0, 2.0)])[:, None]
    coloured = torch.stack([KERNELS["any"], 2 * KERNELS["any"].flip(0)])
    for padding in ("replicate", "circular"):
        operator = blur_kernel(SHAPE, several, padding).double()
        assert operator.batch == 3 and operator.closed_form
        for i in range(3):
            close(operator(x)[i], by_scipy(x[i], several[i, 0], padding), 1e-13)
        y = blur_kernel(SHAPE, coloured, padding).double()(x)
        for c in range(2):
            close(y[:, c], by_scipy(x[:, c : c + 1], coloured[c], padding)[:, 0], 1e-13)


def test_factories_take_a_padding():
    shape, x = (3, 20, 24), torch.randn(1, 3, 20, 24)
    made = [
        blur_gaussian(shape, 7, 1.0, padding="reflect"),
        blur_anisotropic(shape, 9, 3.0, 1.0, 0.0, padding="reflect"),
        blur_defocus(shape, 7, padding="symmetric"),
        blur_motion(shape, 9, padding="valid"),
        blur_lens(shape, 7),
        blur_varying(shape, 7, grid=2),
    ]
    kinds = [Separable, Separable, CosineBlur, PaddedBlur, VaryingBlur, VaryingBlur]
    assert [type(operator) for operator in made] == kinds
    for operator in made:
        assert operator(x).shape[1:] == operator.out_shape


def test_a_straight_motion_lies_along_its_angle():
    along = kernels.line(9, 4.0)
    assert torch.allclose(along.sum(), torch.tensor(1.0).double()) and along[4].sum() > 1 - 1e-12
    assert torch.allclose(along[4, 3:6], torch.full((3,), 0.25).double(), atol=1e-3)
    assert torch.allclose(kernels.line(9, 4.0, 90.0), along.T, atol=1e-12)
    up_right = kernels.line(9, 8.0, 45.0)
    assert up_right[2, 6] > 0.05 > up_right[2, 2] and torch.allclose(up_right, up_right.flip(0, 1))
    for bad in ({"length": 0.0}, {"length": 9.0}, {"angle": float("inf")}):
        with pytest.raises(ValueError, match="length"):
            kernels.line(9, **bad)


def test_anisotropic_gaussian():
    assert torch.allclose(kernels.anisotropic(9, 1.5, 1.5, 77.0), kernels.gaussian(9, 1.5))
    kernel = kernels.anisotropic(61, 6.0, 2.0, 30.0)
    i = torch.arange(61, dtype=torch.float64) - 30
    up, right = -i[:, None], i[None, :]
    moments = [float((kernel * m).sum()) for m in (right**2, up**2, up * right)]
    c, s = 3**0.5 / 2, 0.5
    want = [36 * c * c + 4 * s * s, 36 * s * s + 4 * c * c, (36 - 4) * s * c]
    assert moments == pytest.approx(want, rel=1e-3)
    across = kernels.anisotropic(9, 3.0, 0.5, 90.0)
    assert float(across[0, 4]) > 0.01 > float(across[4, 0])
    for bad in ({"std_x": 0.0}, {"std_y": -1.0}, {"angle": float("nan")}, {"size": 8}):
        with pytest.raises(ValueError, match="kernel: "):
            kernels.anisotropic(**bad)


def test_the_kernels_of_the_literature_load(tmp_path):
    path = Path(os.environ.get("INVERSE_DATA", "absent")) / "operators" / "blur_kernels.npz"
    if not path.is_file():
        pytest.skip("needs INVERSE_DATA with operators/blur_kernels.npz")
    names = list(np.load(path))
    assert len(names) == 20
    for name in names:
        operator = blur_file((3, 40, 44), path, key=name, padding="replicate")
        flat = operator(torch.ones(1, 3, 40, 44))
        assert torch.allclose(flat, torch.ones_like(flat), atol=1e-5), name
    with pytest.raises(ValueError, match="levin09_0"):
        blur_file((3, 40, 44), path)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: blur_lens((1, 9, 9), 3, count=0), "count must be"),
        (lambda: blur_varying((1, 9, 9), 3, grid=0), "grid must be"),
    ],
    ids=["lens", "varying"],
)
def test_varying_blurs_of_no_kernel_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_varying_blur_mixes_its_kernels():
    x = image()
    several = torch.stack([kernels.gaussian(5, 0.5), kernels.defocus(5), kernels.motion(5, 1)])
    weights = torch.rand(3, 11, 12, generator=torch.Generator().manual_seed(1)).double()
    for padding in PADDINGS:
        inside = (2, 9, 2, 10) if padding == "valid" else (0, 11, 0, 12)
        some = weights[:, inside[0] : inside[1], inside[2] : inside[3]]
        operator = VaryingBlur(SHAPE, several, some, padding).double()
        want = sum(w * by_scipy(x, k, padding) for w, k in zip(some, several, strict=True))
        close(operator(x), want, 1e-13)
    assert "conjugate gradients" in operator.describe()


def test_weights_sum_to_one_and_sit_at_their_nodes():
    for weights in (patches(SHAPE, 3), patches(SHAPE, 1), rings(SHAPE, 4), rings((1, 1, 1), 2)):
        assert weights.dtype == torch.float64 and float(weights.min()) >= 0
        assert torch.allclose(weights.sum(0), torch.ones_like(weights[0]))
    corner = patches(SHAPE, 3)[:, -1, 0]
    assert corner.tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert rings((1, 9, 9), 3)[:, 4, 4].tolist() == [1, 0, 0]
    assert rings((1, 9, 9), 3)[:, 0, 8].tolist() == pytest.approx([0, 0, 1])


def test_a_lens_is_sharpest_in_the_middle():
    points = torch.zeros(2, 1, 33, 33)
    points[0, 0, 16, 16] = points[1, 0, 5, 5] = 1
    y = blur_lens((1, 33, 33), size=13, middle=0.5, corner=3.0)(points)
    assert float(y[0].max()) > 3 * float(y[1].max())


def test_transform_sides_are_fast_and_long_enough():
    border = Border("test", "reflect", (256, 300), (61, 25))
    assert border.fft_sides == [320, 324] and border.out_sides == [256, 300]
    assert Border("test", "circular", (257, 300), (61, 25)).fft_sides == [257, 300]


@pytest.mark.parametrize("make", [blur_gaussian, blur_defocus, blur_line, blur_motion])
def test_nothing_waits_for_the_device(make):
    operator = make((3, 64, 64), 15, padding="symmetric")
    x = torch.randn(2, 3, 64, 64)
    assert ops(lambda: operator(x)) <= 20 and ops(lambda: operator.adjoint(x)) <= 25
    if operator.closed_form:
        assert ops(lambda: operator.gram_solve(x, torch.ones(2))) <= 20
        assert ops(lambda: operator.prox(x, x, torch.ones(2))) <= 25


TWO = torch.ones(2, 3, 3) / 9
WRONG = {
    "padding": (lambda: PaddedBlur(SHAPE, torch.ones(3, 3), "mirror"), "padding must be one of"),
    "factory padding": (lambda: blur_gaussian(SHAPE, 3, padding="same"), "got 'same'"),
    "even kernel": (lambda: PaddedBlur(SHAPE, torch.ones(4, 3)), r"PaddedBlur: .*odd sides"),
    "large kernel": (lambda: blur_gaussian(SHAPE, 13, padding="zero"), "larger than the image"),
    "channels": (lambda: PaddedBlur(SHAPE, torch.ones(3, 3, 3)), r"\(1\|2, h, w\)"),
    "NaN": (lambda: blur_kernel(SHAPE, torch.full((3, 3), float("nan")), "zero"), "NaN"),
    "not even": (lambda: CosineBlur(SHAPE, KERNELS["any"]), "CosineBlur: kernel must equal"),
    "rank": (lambda: PaddedBlur((11, 12), torch.ones(3, 3)), r"must be \(C, H, W\)"),
    "rows": (lambda: Separable(SHAPE, torch.ones(3, 12), torch.ones(3, 12)), r"\(n, 11\)"),
    "no rows": (lambda: Separable(SHAPE, torch.ones(0, 11), torch.ones(3, 12)), "rows must be"),
    "batches": (
        lambda: Separable(SHAPE, torch.ones(2, 1, 3, 11), torch.ones(3, 1, 3, 12)),
        "do not mix",
    ),
    "inf": (lambda: Separable(SHAPE, torch.ones(3, 11), torch.ones(3, 12) / 0), "inf"),
    "weights": (lambda: VaryingBlur(SHAPE, TWO, torch.ones(3, 11, 12)), "2 kernels"),
    "valid weights": (lambda: VaryingBlur(SHAPE, TWO, torch.ones(2, 11, 12), "valid"), "9, 10"),
    "kernels": (lambda: VaryingBlur(SHAPE, torch.ones(3, 3), torch.ones(1, 11, 12)), "K, h, w"),
    "varying batches": (
        lambda: VaryingBlur(SHAPE, TWO.expand(3, 2, 3, 3), torch.ones(2, 2, 11, 12)),
        "do not mix",
    ),
    "grid": (lambda: patches(SHAPE, 0), "patches: grid"),
    "count": (lambda: rings(SHAPE, 0), "rings: count"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_of_blurs(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
