"""Spectral responses against a sum over channels, Greyscale, and a singular matrix."""

import numpy as np
import pytest
import torch

from operators import Greyscale, SpectralResponse, spectral_response
from tests.operators.operator_cases import close

RGB = (3, 4, 6)


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_a_response_mixes_the_channels_of_a_pixel():
    matrix, x = draw(2, 3), draw(2, *RGB)
    want = torch.einsum("oc,bchw->bohw", matrix, x)
    operator = SpectralResponse(RGB, matrix).double()
    assert torch.allclose(operator(x), want, atol=1e-14)
    close(operator.pinv(want), torch.einsum("oc,bchw->bohw", torch.linalg.pinv(matrix), want), 1e-9)
    assert operator.norm() == pytest.approx(float(torch.linalg.matrix_norm(matrix, 2)))


def test_greyscale_is_the_response_of_one_band():
    weights, x = [0.299, 0.587, 0.114], draw(2, *RGB).float()
    y = draw(2, 1, 4, 6).float()
    grey, band = Greyscale(RGB, weights), spectral_response(RGB, [weights])
    close(band(x), grey(x), 1e-6)
    for call in ("gram_solve", "prox"):
        given = (x, y, 0.1) if call == "prox" else (x, 0.1)
        close(getattr(band, call)(*given), getattr(grey, call)(*given), 1e-5)
    close(band.pinv(y), grey.pinv(y), 1e-6)


def test_a_singular_response_is_solved_too():
    matrix = torch.tensor([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]])
    operator, x = SpectralResponse(RGB, matrix).double(), draw(1, *RGB)
    z = operator.prox(x, operator(x), 0.0)
    close(z, x, 1e-12)
    assert torch.equal(operator.spectrum[0, :, 0, 0] > 1e-12, torch.tensor([True, False]))


WRONG = {
    "columns": (lambda: SpectralResponse(RGB, torch.ones(2, 4)), r"matrix must be \(bands, 3\)"),
    "zero": (lambda: SpectralResponse(RGB, torch.zeros(2, 3)), "not all zero"),
    "NaN": (lambda: spectral_response(RGB, [[np.nan, 1, 1]]), "SpectralResponse: matrix"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
