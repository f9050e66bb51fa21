"""Compressed sensing against scipy and dense matrices, its errors, and its cost."""

import numpy as np
import pytest
import torch

from operators import DCT, BlockSensing, DenseGaussian, block_sensing, dct, dense_gaussian
from tests.operators.operator_cases import close

SHAPE = (3, 8, 16)


def image(shape=SHAPE, batch=2):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, *shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("sides", [(8, 16), (7, 9), (1, 5)])
def test_the_whole_dct_is_scipys(sides):
    fft = pytest.importorskip("scipy.fft")
    operator, x = DCT((2, *sides), 1.0).double(), image((2, *sides))
    want = torch.from_numpy(fft.dctn(x.numpy(), axes=(2, 3), norm="ortho")).flatten(2)
    assert torch.allclose(operator(x), want, atol=1e-13)
    assert operator.unitary and torch.allclose(operator.pinv(operator(x)), x, atol=1e-13)


def test_a_partial_dct_keeps_the_rows_it_says():
    fft = pytest.importorskip("scipy.fft")
    operator, x = DCT(SHAPE, 0.3, 0.5, 7).double(), image()
    want = torch.from_numpy(fft.dctn(x.numpy(), axes=(2, 3), norm="ortho")).flatten(2)
    assert operator.out_shape == (3, 38) and len(operator.rows.unique()) == 38
    assert torch.allclose(operator(x), want[:, :, operator.rows], atol=1e-13)
    frequency = ((torch.arange(8)[:, None] / 8) ** 2 + (torch.arange(16) / 16) ** 2).flatten()
    lowest = frequency.sort(stable=True).indices
    assert set(lowest[:19].tolist()) <= set(operator.rows.tolist())
    assert set(DCT(SHAPE, 0.3, 1.0).rows.tolist()) == set(lowest[:38].tolist())
    assert set(DCT(SHAPE, 0.3, 0.0, 1).rows.tolist()) != set(lowest[:38].tolist())


def test_a_low_pass_dct_keeps_a_flat_image():
    flat = torch.full((1, 1, 32, 32), 0.7)
    operator = dct((1, 32, 32), ratio=0.05, low=1.0)
    assert torch.allclose(operator.pinv(operator(flat)), flat, atol=1e-6)


def test_blocks_are_measured_by_one_matrix():
    matrix = image((5, 16))[0].view(5, 16)
    operator, x = BlockSensing(SHAPE, matrix).double(), image()
    y = operator(x)
    assert y.shape == (2, 3, 2, 4, 5)
    for i, j in ((0, 0), (1, 2), (1, 3)):
        block = x[:, :, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].flatten(2)
        assert torch.allclose(y[:, :, i, j], block @ matrix.T, atol=1e-13)


def test_block_matrices():
    orthonormal = block_sensing((1, 16, 16), ratio=0.5, block=8, seed=1).double().matrix
    assert torch.allclose(orthonormal @ orthonormal.T, torch.eye(32).double(), atol=1e-12)
    gaussian = block_sensing((1, 16, 16), 0.5, 8, 1, orthonormal=False).double().matrix
    assert float(gaussian.var()) == pytest.approx(1 / 32, rel=0.1)
    whole = block_sensing((1, 16, 16), 1.0, 16)
    close(whole.pinv(whole(image((1, 16, 16)).float())), image((1, 16, 16)), 1e-5)


def test_dense_solves_use_the_decomposition_alone(monkeypatch):
    operator, x = DenseGaussian((1, 5, 4), 7, 0), image((1, 5, 4)).float()
    y = operator(x)
    monkeypatch.setattr(torch.linalg, "svd", None)
    monkeypatch.setattr("operators.solve.conjugate.cg", None)
    monkeypatch.setattr("operators.solve.conjugate.cgls", None)
    for result in (operator.pinv(y), operator.prox(x, y, 0.1), operator.gram_solve(x, 0.1)):
        assert result.shape == x.shape


def test_seeds_repeat_and_differ():
    for make in (dct, lambda s, seed: block_sensing(s, 0.5, 4, seed)):
        a, b, c = make(SHAPE, seed=0), make(SHAPE, seed=0), make(SHAPE, seed=1)
        x = image(a.in_shape).float()
        assert torch.equal(a(x), b(x)) and not torch.equal(a(x), c(x))


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    dct(SHAPE)
    block_sensing(SHAPE, block=4)
    dense_gaussian(SHAPE, 3)
    assert torch.equal(before, torch.get_rng_state())


WRONG = {
    "dct ratio": (lambda: DCT(SHAPE, 1.5), "DCT: ratio must be in"),
    "dct low": (lambda: DCT(SHAPE, 0.5, -0.1), "DCT: low is a fraction"),
    "dct rank": (lambda: DCT((8, 8)), r"DCT: image_shape must be \(C, H, W\)"),
    "block ratio": (lambda: block_sensing(SHAPE, 0.0, 4), "BlockSensing: ratio"),
    "block side": (lambda: block_sensing(SHAPE, block=0), "BlockSensing: block"),
    "tiles": (lambda: block_sensing(SHAPE, block=5), "5 × 5 pixels must tile the image"),
    "no square": (lambda: BlockSensing(SHAPE, torch.ones(2, 5)), r"matrix must be \(m, f²\)"),
    "vector": (lambda: BlockSensing(SHAPE, torch.ones(4)), r"matrix must be \(m, f²\)"),
    "NaN": (lambda: BlockSensing(SHAPE, torch.full((2, 4), np.nan)), "finite"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
