"""Data steps that trust the prior frequency by frequency, beside those that trust it by one number.

INVERSE_DATA=... python -m benchmarks.spectral_steps [images=6] [side=128] [folder=mcmaster18]
    [tasks=inpaint,...] [walks=nested,...]

``lam``: `Prox` as the walk has it, `r^2 = nsr^2 / lam`. ``c r2``: c times the prior's own
`ErrorSpectrum` in place of `r^2`. PSNR and LPIPS at the end, noise 0.05, one sample each. DDNM+ has
no such weight: its walk is measured with either step in place of the rule per singular value, and
with that rule. Tasks and walks in turns, of one commit.
"""

import os
import sys
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from benchmarks.baselines.tasks import SIGMA, TASKS, crops
from benchmarks.quality import measured, preset, problems, restore
from benchmarks.record import earlier, save
from inverse.apps.configuration import build
from inverse.denoise import (
    LINEAR,
    Conditioned,
    DataStep,
    ErrorSpectrum,
    Prior,
    linear_operator,
    noise_variance,
    restored,
    transformed,
)
from inverse.levels import Level
from inverse.metrics import LPIPS
from inverse.priors import bundled
from inverse.samplers import Process, Sampler
from inverse.samplers.blind.coordinates import passed_on
from inverse.solvers import ddnm, ddnm_plus, diffpir
from inverse.steps import Prox
from operators import Problem, Rng
from operators.solve import cg

STEPS, SCALES = 24, (1.0, 2.0, 5.0)


class SpectralProx(DataStep):
    """`argmin_x ||y - A x||^2 / (2 sigma_y^2) + ||R^(-1/2) (x - x0)||^2 / 2`, R's spectrum known.

    `x0 + R A^T (A R A^T + sigma_y^2 I)^-1 (y - A x0)`, by conjugate gradients; those of a blur or a
    resizing in coordinates in which the matrix is the identity.
    """

    requires = frozenset({LINEAR})

    def __init__(self, errors: ErrorSpectrum, scale: float) -> None:
        self.errors, self.scale = errors, scale

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator, noise = linear_operator(problem, "SpectralProx"), noise_variance(problem)
        r2 = self.scale * self.errors.at(level, operator.in_shape)
        root = torch.ones(())
        if len(operator.out_shape) == 3:
            root = (passed_on(operator, r2).clamp_min(0).to(x0) + noise).sqrt()

        def eased(v: Tensor) -> Tensor:
            return restored(transformed(v) / root, operator.out_shape) if root.ndim else v

        def back(v: Tensor) -> Tensor:
            return restored(transformed(operator.adjoint(v)) * r2.to(v), operator.in_shape)

        def normal(v: Tensor) -> Tensor:
            v = eased(v)
            return eased(operator(back(v)) + noise * v)

        rest = eased(problem.residual(x0))
        return x0 + back(eased(cg(normal, rest, tol=1e-3, max_iter=100, partial=True)))


def stepping(sampler: Process, step: DataStep) -> Process:
    """The same walk with another data step."""
    for module in sampler.modules():
        if isinstance(module, Conditioned):
            module.step = step
    return sampler


def ruled(prior: Prior) -> Mapping[str, Mapping[str, Sampler]]:
    """By walk and rule."""
    assert prior.errors is not None
    spectral = {f"{c:g} r2": SpectralProx(prior.errors, c) for c in SCALES}
    walks = {
        "nested": partial(build(preset("nested")), prior),
        "diffpir": partial(diffpir, prior, steps=STEPS, zeta=1.0),
        "ddnm_plus": partial(ddnm, prior, steps=STEPS),
    }
    plain = {
        "nested": {"lam 0.18": {}},
        "diffpir": {f"lam {lam}": {"lam": lam} for lam in (1.0, 1.75)},
    }
    rules = {
        walk: {name: make(**setting) for name, setting in plain.get(walk, {}).items()}
        | {name: stepping(make(), step) for name, step in spectral.items()}
        for walk, make in walks.items()
    }
    plus = {"singular values": ddnm_plus(prior, steps=STEPS)}
    plus["lam 1"] = stepping(ddnm(prior, steps=STEPS), Prox())
    rules["ddnm_plus"] = plus | rules["ddnm_plus"]
    return rules


def main(
    images: str = "6",
    side: str = "128",
    folder: str = "mcmaster18",
    tasks: str = ",".join(TASKS),
    walks: str = "nested,diffpir,ddnm_plus",
) -> None:
    """Measure, print, and write after every task."""
    rules, lpips = ruled(bundled()), LPIPS("alex")
    truth = crops(int(images), int(side), folder)
    config = {"images": len(truth), "side": int(side), "folder": folder, "sigma": SIGMA}
    keys, rows = ("task", "walk", "rule"), []
    for task in tasks.split(","):
        given = problems(task, truth)
        for walk in walks.split(","):
            for rule, sampler in rules[walk].items():
                figures, _ = measured(partial(restore, sampler, keep=0), given, lpips)
                rows.append({"task": task, "walk": walk, "rule": rule} | figures)
                found = f"{figures['psnr']:.2f} {figures['lpips']:.3f} {figures['seconds']:.1f} s"
                print(f"{task:9}{walk:10}{rule:16}{found}", flush=True)
        save("spectral_steps", config, earlier("spectral_steps", config, rows, keys) + rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
