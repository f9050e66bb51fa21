"""Our solvers in a benchmark of deepinv's kind, which benchopt runs."""

import pytest
import torch

pytest.importorskip("deepinv", reason="deepinv is not installed")
pytest.importorskip("benchopt", reason="benchopt is not installed")


def test_the_solver_gives_a_model_that_deepinv_tests():
    import benchopt
    import deepinv

    from inverse.benchmarking.benchopt import Solver

    solver = Solver.get_instance(solver="nested", nfe=5)
    assert isinstance(solver, benchopt.BaseSolver)
    noise = deepinv.physics.GaussianNoise(0.05)
    physics = deepinv.physics.Inpainting((3, 16, 16), mask=0.6, noise_model=noise)
    solver.set_objective(physics=physics, train_dataset=None)
    solver.run(None)
    model = solver.get_result()["model"].to("cpu")
    x = torch.linspace(0.2, 0.8, 16).expand(1, 3, 16, 16).contiguous()
    dataset = torch.utils.data.DataLoader([x[0]])  # pyright: ignore[reportArgumentType]
    found = deepinv.test(
        model, dataset, physics, online_measurements=True, metrics=[deepinv.loss.PSNR()],
        compare_no_learning=False, device="cpu",
    )  # fmt: skip
    assert found["PSNR"] > 20
