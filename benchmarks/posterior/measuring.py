"""Running the solvers on the instances of a protocol, and the mean of what is found."""

import math
import time
from collections import defaultdict, deque

import torch
from torch import Tensor

from benchmarks.posterior.measures import MEASURES, distances, project
from benchmarks.posterior.methods import METHODS, Settings
from benchmarks.posterior.problems import Instance, instance
from inverse.samplers import Sampler
from inverse.samplers.particles import Particles, Resampling
from inverse.solving import Meter
from operators import Rng, seed_for


def run(sampler: Sampler, given: Instance, count: int, seed: int) -> tuple[Tensor, Meter]:
    """``count`` samples (count, d), and what they cost per sample.

    Of `Particles`, which must be ``count``, the whole cloud, resampled by its weights.
    """
    rows = 1 if isinstance(sampler, Particles) else count
    # One stream for all rows, which are samples of one problem: much faster.
    meter, rng = Meter(samples=count), Rng([seed]).each(rows)
    with meter.on(sampler):
        iterate = deque(sampler.iterate(given.problem(rows), rng), maxlen=1).pop()
    if not isinstance(sampler, Particles):
        return iterate.x0.flatten(1), meter
    cloud, weights = sampler.weighted(iterate)
    if not bool(weights.isfinite().all()):
        return torch.full_like(cloud[0], torch.nan).flatten(1), meter
    ancestors, _ = Resampling(threshold=1.0)(weights.log(), rng)
    return cloud[0, ancestors[0]].flatten(1), meter


def compare(x: Tensor, exact: Tensor, given: Instance) -> dict[str, float]:
    """Distances of the finite samples from exact ones, projected, and how many there are not."""
    good = x[torch.isfinite(x).all(1)]
    found = distances(good, exact, given) if len(good) else {}
    return found | {"failures": len(x) - len(good)}


def measure(
    name: str, d: int, m: int, methods: list[str], instances: int, options: dict
) -> list[dict]:
    """A row per method: means over the instances, with confidence intervals."""
    found, count = defaultdict(lambda: defaultdict(list)), options["samples"]
    for index in range(instances):
        given = instance(name, d, m, index)
        stream = torch.Generator().manual_seed(seed_for(name, d, m, index, "posterior"))
        exact = project(given.posterior.sample(count, stream))
        for key, value in compare(given.posterior.sample(count, stream), exact, given).items():
            found["floor"][key].append(value)
        start = options["start"] or 5 * given.radius
        settings = Settings(options["steps"], start, options["end"], count, name.split("_")[0])
        for method in methods:
            sampler = METHODS[method](given.prior, settings)
            begin = time.perf_counter()
            x, meter = run(sampler, given, count, seed_for(name, d, m, index, method))
            seconds = time.perf_counter() - begin
            cost = {"forward": meter.forward, "backward": meter.backward, "seconds": seconds}
            for key, value in (compare(x, exact, given) | cost).items():
                found[method][key].append(value)
    size = {"d": d, "m": m, "instances": instances}
    return [size | {"method": key} | summary(values) for key, values in found.items()]


def summary(values: dict[str, list[float]]) -> dict[str, float]:
    """Means, half widths of 95 % intervals of the distances, and the sum of the failures."""
    row = {}
    for key, numbers in values.items():
        mean = sum(numbers) / len(numbers)
        row[key] = sum(numbers) if key == "failures" else mean
        if key in MEASURES and len(numbers) > 1:
            spread = sum((v - mean) ** 2 for v in numbers) / (len(numbers) - 1)
            row[f"{key}_ci"] = 1.96 * math.sqrt(spread / len(numbers))
    return row
