"""What the loop costs beside the network: operations, host waits and time per network call.

python -m benchmarks.speed [precision=float32] [side=256]

The loop's own time is that of the same sampler with a prior of one operation.
"""

import os
import statistics
import sys
import time

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.baselines.tasks import SIGMA, TASKS
from benchmarks.record import save
from inverse.denoise import Field, FieldPrior
from inverse.levels import Level
from inverse.priors import bundled
from inverse.solvers import ddnm, diffpir, nested
from operators import Problem, Rng, gaussian, measure

WAITS = frozenset(
    "_local_scalar_dense is_nonzero nonzero masked_select equal allclose bincount histc "
    "multinomial _unique2 unique_dim unique_consecutive _linalg_check_errors _linalg_eigh "
    "_linalg_eigvals _linalg_svd _linalg_solve_ex linalg_eig linalg_eigvalsh linalg_lstsq "
    "linalg_pinv linalg_qr linalg_cholesky_ex linalg_lu_factor_ex linalg_matrix_exp".split()
)
"""Operations for which the host waits on CUDA; those of LAPACK wait inside their kernels."""


class Shrink(FieldPrior):
    """A prior of one operation."""

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        return x * 0.9

    def restore(self, z: Tensor, field: Field) -> Tensor:
        return z * 0.9


class Count(TorchDispatchMode):
    """The tensor operations that ran, and how many of them make the host wait."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # noqa: ANN001, ANN204
        self.names.append(func.__name__.split(".")[0])
        return func(*args, **(kwargs or {}))

    @property
    def waits(self) -> int:
        return sum(name in WAITS for name in self.names)


SOLVERS = {
    "nested": (lambda prior: nested(prior, outer_steps=4, inner_least=5, inner_most=5), 5),
    "diffpir": (lambda prior: diffpir(prior, steps=4), 1),
    "ddnm": (lambda prior: ddnm(prior, steps=4), 1),
}


def second_step(solver: str, problem: Problem) -> tuple[float, int, int]:
    """Milliseconds, operations and waits per network call of a solver's second step."""
    make, calls = SOLVERS[solver]
    times = []
    for _ in range(5):
        walk = make(Shrink()).iterate(problem, Rng([0]))
        next(walk)
        begin = time.perf_counter()
        next(walk)
        times.append((time.perf_counter() - begin) * 1e3 / calls)
    walk = make(Shrink()).iterate(problem, Rng([0]))
    next(walk)
    with Count() as count:
        next(walk)
    return statistics.median(times), round(len(count.names) / calls), count.waits


def network(precision: str, side: int) -> float:
    """Milliseconds per network call."""
    prior, x, times = bundled(precision), torch.randn(1, 3, side, side), []
    for _ in range(6):
        begin = time.perf_counter()
        with torch.no_grad():
            prior.denoise(x, Level(1.0, 0.2))
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times[1:])


def main(precision: str = "float32", side: int = 256) -> None:
    """Write results/speed.json."""
    side, rows = int(side), []
    call = network(precision, side)
    print(f"network: {call:.1f} ms per call at {side}x{side}, {precision}")
    truth = torch.rand(1, 3, side, side) * 2 - 1
    for task, make in TASKS.items():
        problem = measure(make((3, side, side), 0), gaussian(SIGMA), truth, Rng([1]))
        for solver in SOLVERS:
            spent, operations, waits = second_step(solver, problem)
            row = {"task": task, "solver": solver, "loop_ms": spent, "network_ms": call}
            row |= {"share": spent / call, "operations": operations, "waits": waits}
            rows.append(row)
            print(
                f"{task:9}{solver:9}{operations:3d} operations, {waits} waits, "
                f"{spent:6.2f} ms = {100 * spent / call:.1f} % of a network call"
            )
    save("speed", {"precision": precision, "side": side}, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))  # pyright: ignore[reportArgumentType]
