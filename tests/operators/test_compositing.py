"""Compositing against a loop from back to front, and against inpainting."""

import numpy as np
import pytest
import torch

from operators import Inpaint, Multiplane, Problem, alpha_blend, gaussian, masks, multiplane
from tests.operators.operator_cases import close

RGB = (3, 4, 6)


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_a_blend_becomes_linear_without_its_background():
    alpha, x, background = draw(4, 6).sigmoid(), draw(2, *RGB), draw(2, *RGB, seed=1)
    blended = alpha * x + (1 - alpha) * background
    blend = alpha_blend(RGB, alpha).double()
    problem = Problem(blend, gaussian(0.1), blended - (1 - alpha) * background)
    assert float(problem.residual(x).abs().max()) < 1e-14
    close(blend.pinv(problem.y), x, 1e-10)


def test_a_binary_blend_is_inpainting(tmp_path):
    mask, x = masks.random(RGB, 0.5), draw(2, *RGB).float()
    blend, inpaint = alpha_blend(RGB, mask), Inpaint(RGB, mask)
    assert torch.equal(blend(x), inpaint(x)) and blend.measured == inpaint.measured
    assert torch.equal(blend.support(x), inpaint.support(x))
    np.save(tmp_path / "alpha.npy", mask.numpy() * 0.25)
    assert torch.equal(alpha_blend(RGB, tmp_path / "alpha.npy")(x), 0.25 * inpaint(x))
    assert torch.equal(alpha_blend(RGB, 0.25)(x), 0.25 * x)


def test_planes_are_composited_from_back_to_front():
    alphas, x = draw(4, 4, 6).sigmoid(), draw(2, 12, 4, 6)
    want = torch.zeros(2, *RGB, dtype=torch.float64)
    for d in reversed(range(4)):
        want = alphas[d] * x[:, 3 * d : 3 * d + 3] + (1 - alphas[d]) * want
    operator = Multiplane((12, 4, 6), alphas).double()
    assert torch.allclose(operator(x), want, atol=1e-14)
    opaque = multiplane((6, 4, 6), [1.0, 0.7])
    assert torch.equal(opaque(x[:, :6].float()), x[:, :3].float())


ONES = torch.ones(4, 6)
WRONG = {
    "alpha size": (lambda: alpha_blend(RGB, torch.ones(6, 4)), r"alpha must be .*\(1, 1, 6, 4\)"),
    "alpha channels": (lambda: alpha_blend(RGB, torch.ones(2, 4, 6)), r"broadcast to \(3, 4, 6\)"),
    "alpha range": (lambda: alpha_blend(RGB, 1.5), r"alpha_blend: alpha must be in \[0, 1\]"),
    "alpha zero": (lambda: alpha_blend(RGB, 0 * ONES), "not all 0"),
    "planes": (lambda: Multiplane(RGB, ONES.expand(2, 4, 6)), "divisor of the channels"),
    "planes range": (lambda: multiplane((6, 4, 6), [0.5, -0.1]), "Multiplane: alpha must be in"),
    "planes zero": (lambda: multiplane((6, 4, 6), [0.0, 0.0]), "nothing would be measured"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
