"""Our solvers in benchopt's benchmarks of deepinv, which is imported where both are.

A file `anytime.py` beside a benchmark's other solvers needs one line:
`from inverse.benchmarking.benchopt import Solver`.
"""

from typing import Any, ClassVar

import torch
from benchopt import BaseSolver  # pyright: ignore[reportMissingImports]

from inverse import solvers
from inverse.priors import bundled
from inverse.solving import Budget, as_reconstructor, ready


class Solver(BaseSolver):  # pyright: ignore[reportGeneralTypeIssues]
    """A solver by its name over the bundled prior, its steps planned for so many network calls.

    To be called as benchopt does: `set_objective`, `run`, `get_result`, which gives `{"model": a
    deepinv Reconstructor}`. Others are chosen as `-s anytime-inverse[solver=dps,nfe=100]`.
    """

    name = "anytime-inverse"  # pyright: ignore[reportAssignmentType]
    sampling_strategy = "run_once"
    requirements: ClassVar[list[str]] = ["pip::anytime-inverse[interop]"]
    parameters: ClassVar[dict[str, list]] = {"solver": ["nested"], "nfe": [None]}
    solver: str
    nfe: int | None

    def set_objective(self, physics: Any = None, train_dataset: Any = None) -> None:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        budget = Budget(nfe=self.nfe)
        sampler = ready(getattr(solvers, self.solver), bundled(), budget).to(device)
        self.model = as_reconstructor(sampler, budget=budget)
        self.model.device = device

    def run(self, _: Any) -> None:
        """Nothing: the objective runs the model."""

    def get_result(self) -> dict[str, Any]:
        return {"model": self.model}
