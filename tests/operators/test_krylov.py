"""GMRES against dense solves, also where conjugate gradients would diverge."""

import pytest
import torch

from operators.solve import arnoldi, gmres

SIZE, BATCH = 7, 4


def matrices(kind: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(BATCH, SIZE, SIZE, generator=generator, dtype=torch.float64)
    if kind == "definite":
        return a @ a.mT + torch.eye(SIZE)
    return (a + a.mT) / 2 if kind == "indefinite" else a


def right(seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, 1, SIZE, generator=generator, dtype=torch.float64)


def product(matrix: torch.Tensor):
    return lambda x: torch.einsum("bij,bcj->bci", matrix, x)


@pytest.mark.parametrize("kind", ["definite", "indefinite", "general"])
def test_gmres_is_exact_once_the_space_is_whole(kind):
    matrix, b = matrices(kind), right()
    exact = torch.linalg.solve(matrix, b.mT).mT
    assert torch.allclose(gmres(product(matrix), b, SIZE), exact, atol=1e-8)
    assert torch.allclose(gmres(product(matrix), b, SIZE + 3), exact, atol=1e-8)


@pytest.mark.parametrize("kind", ["definite", "indefinite", "general"])
def test_gmres_is_the_least_residual_of_its_krylov_space(kind):
    matrix, b = matrices(kind), right()
    powers = [b]
    for k in range(1, SIZE):
        space = torch.cat(powers, 1).mT
        weights = torch.linalg.lstsq(matrix @ space, b.mT).solution
        assert torch.allclose(gmres(product(matrix), b, k), (space @ weights).mT, atol=1e-6)
        powers.append(product(matrix)(powers[-1]))


def test_the_residual_never_grows_with_the_iterations():
    matrix, b = matrices("general"), right()
    residuals = [b.norm(dim=(1, 2))]
    residuals += [
        (b - product(matrix)(gmres(product(matrix), b, k))).norm(dim=(1, 2)) for k in range(1, 8)
    ]
    for before, after in zip(residuals, residuals[1:], strict=False):
        assert bool((after <= before + 1e-9).all())


def test_a_sample_does_not_depend_on_its_neighbours():
    matrix, b = matrices("general"), right()
    together = gmres(product(matrix), b, 3)
    for i in range(BATCH):
        alone = gmres(product(matrix[i : i + 1]), b[i : i + 1], 3)
        assert torch.allclose(together[i : i + 1], alone, atol=1e-12)


def test_nothing_to_solve_gives_zero():
    b = right()
    b[1] = 0
    x = gmres(product(matrices("definite")), b, 3)
    assert torch.isfinite(x).all() and not x[1].any() and x[0].any()


def test_an_exhausted_space_ends_with_zero_vectors():
    basis, images = arnoldi(lambda x: 2 * x, right(), 3)
    gram = basis @ basis.mT
    assert torch.allclose(gram, torch.diag(torch.tensor([1.0, 0, 0, 0]).double()).expand_as(gram))
    assert torch.allclose(images[:, 0], 2 * basis[:, 0])
