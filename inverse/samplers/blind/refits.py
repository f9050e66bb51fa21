"""What is found of a problem that is not wholly known: its noise's level, its blur."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor

from inverse.denoise import NOTHING, Needs
from inverse.samplers.blind.coordinates import EVEN, coordinates
from inverse.samplers.blind.evidence import CONTRAST, FEWER, Range, explored, log_evidence, search
from inverse.samplers.found import Found
from operators import Problem, gaussian

SIGMAS = Range(0.002, 0.5)
"""The noise levels that are thought of, on the [-1, 1] range."""


class Refit(ABC):
    """Finds a part of a problem that is not known, by its evidence."""

    requires: Needs = NOTHING
    """What it asks of the problem."""

    @abstractmethod
    def __call__(self, problem: Problem, x0: Tensor, r2: Tensor, last: Found | None) -> Found:
        """What is found, per sample.

        Args:
            problem: as far as it is known by now.
            x0: the prior's estimate of the image, (B, C, H, W), from a state that knew of y only
                what an earlier estimate of the image says.
            r2: the variance of its error (`ErrorSpectrum.at`).
            last: what was found before, None at first.
        """


class NoiseLevel(Refit):
    """The level of Gaussian noise: the mean of `p(sigma | y, D)`, its prior flat in log sigma.

    `p(y | D, sigma) = N(y; A D, A R A^T + sigma^2 I)`, R the variance of the error of D, known
    from the prior's `ErrorSpectrum` up to the picture's own contrast (`log_evidence`).

    Args:
        levels: those thought of. contrast: None where R is known to be exact.

    Reference: MacKay, 1992, doi:10.1162/neco.1992.4.3.415 (the evidence).
    """

    requires = frozenset({EVEN})

    def __init__(self, levels: Range = SIGMAS, contrast: Range | None = CONTRAST) -> None:
        self.levels, self.contrast = levels, contrast

    def __call__(self, problem: Problem, x0: Tensor, r2: Tensor, last: Found | None) -> Found:
        found = search(self._posterior(problem, x0, r2), self.levels, len(x0))
        found = found.after(last and last.numbers["sigma"])
        return Found({"sigma": found}, noise=gaussian(found.mean.to(problem.y)))

    def profile(self, problem: Problem, x0: Tensor, r2: Tensor, faded: bool) -> Tensor:
        """The log-evidence of the level that explains the problem best, (B,)."""
        posterior = self._posterior(problem, x0, r2, faded)
        return explored(posterior, self.levels, len(x0), FEWER)[1].amax(1)

    def _posterior(
        self, problem: Problem, x0: Tensor, r2: Tensor, faded: bool | None = None
    ) -> Callable[[Tensor], Tensor]:
        seen = coordinates(problem, x0, r2, faded)
        return lambda sigma: log_evidence(seen, sigma, self.contrast)
