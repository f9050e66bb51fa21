"""Tuning a walk end to end: its network, and its levels, by what it restores."""

import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from inverse.samplers import Descent
from inverse.training.recipe import Recipe
from inverse.training.telling import Task, measured
from inverse.training.unrolled import unroll
from operators import Noise


def tune(
    sampler: Descent,
    tasks: Sequence[Task],
    noise: Noise,
    pictures: Callable[[int], Tensor],
    recipe: Recipe,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[dict[str, float]]:
    """Train all parameters of a walk that ask for gradients, yielding {step, minutes, loss}.

    By the mean absolute error of what it restores (`unroll`), with Adam. Step n measures the
    pictures of step n by one of the tasks in turn, under seeds of its own; the recipe has the rest.
    What is learned is a restorer for these tasks, noise and number of calls: no denoiser any more.

    Args:
        pictures: step -> clean images (B, C, H, W) in [-1, 1], on the device.

    Reference: Chen et al., 2024, arXiv:2403.17006, sec. 3.
    """
    parameters = [p for p in sampler.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, recipe.rate)
    began = reported = clock()
    step, running = 0, torch.tensor(float("nan"))
    while True:
        spent = (clock() - began) / 60
        share = max(spent / recipe.minutes, step / recipe.steps)
        if share >= 1 or clock() - reported > 60 * recipe.every:
            reported = clock()
            yield {"step": step, "minutes": spent, "loss": float(running)}
        if share >= 1:
            return
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step, share)
        value = _loss(sampler, tasks[step % len(tasks)], noise, pictures(step), recipe.seed, step)
        value.backward()
        nn.utils.clip_grad_norm_(parameters, recipe.clip)
        optimiser.step()
        optimiser.zero_grad()
        value = value.detach().cpu()
        running = value if step == 0 else running.lerp(value, 0.02)
        step += 1


def _loss(sampler: Descent, task: Task, noise: Noise, x0: Tensor, seed: int, step: int) -> Tensor:
    problem, rng = measured(task, noise, x0, seed, step, range(len(x0)))
    return (unroll(sampler, problem, rng) - x0).abs().mean()
