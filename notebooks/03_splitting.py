# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Splitting: bringing in the data, and at what order
#
# A diffusion sampler follows a flow with two terms, $\dot x = f_{prior}(x) + f_{data}(x)$. One
# can integrate the sum, or the two in turn: **operator splitting**. In turn is convenient (each
# part with the method that suits it), and this notebook asks what it costs. All is measured
# against exact answers; at the end a photograph.

# %%
import math
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from pictures import show

import operators as ops
from inverse.denoise import Evaluation, Guided
from inverse.flows import MomentScore, PinvScore, ScoreFlow
from inverse.images import Tile, sample_photograph
from inverse.levels import LIE, STRANG, Grid, Level
from inverse.metrics import psnr
from inverse.priors import GaussianPrior, bundled
from inverse.samplers import Process, State
from inverse.solvers import nested
from inverse.solving import solve
from inverse.transitions import DDIM, DPMSolver2M, Heun, Multistep
from operators import Problem, Rng, gaussian, measure


class Steps:
    """A walk of equal steps in sigma that stops at a noisy level, where orders can be seen."""

    def __init__(self, count, start=2.0, end=0.25):
        sigmas = (start + (end - start) * i / count for i in range(count + 1))
        self.levels = tuple(Level(1.0, sigma) for sigma in sigmas)

    def __call__(self, start=None):
        return self.levels


# %% [markdown]
# ## A flow that can be seen
#
# Two pixels, a Gaussian prior (grey ellipse) and one measurement, a weighted sum of both (they
# agree with it on the dashed line). The exact posterior flow is the black path. The same way in
# four steps: **Lie** goes all the way with the prior, then all the way with the data; **Strang**
# takes half the data, the prior, half the data.

# %%
two = (1, 1, 2)
cov = torch.tensor([[1.0, -0.6], [-0.6, 0.7]], dtype=torch.float64)
prior = GaussianPrior(two, torch.tensor([-0.4, 0.2], dtype=torch.float64), cov)
camera = ops.DenseGaussian(two, 1, seed=2).double()
problem = Problem(camera, gaussian(0.1), torch.tensor([[0.3]], dtype=torch.float64))
row = camera(torch.eye(2, dtype=torch.float64).view(2, *two)).flatten()  # the camera's one row
score = MomentScore(1)  # exact here: one measurement, a Gaussian prior
begin = torch.tensor([0.2, 2.5], dtype=torch.float64).view(1, *two)


def zigzag(split, count):
    """Where every stage of every step of a splitting ends, and the ends of the steps."""
    flow, corners, ends = ScoreFlow(score, midpoint=True), [begin], [begin]
    for a, b in pairwise(Steps(count, end=0.1)()):
        x, at, passed = ends[-1], a, 0.0
        for part, fraction in split:
            if part == "prior":
                *_, last = Process(prior, Heun(), lambda start, ab=(a, b): ab).iterate(
                    problem, Rng([0]), State(x, a)
                )
                x, at = last.x, b
            else:
                here = Evaluation(prior, x, at, problem, Rng([0]), differentiable=True)
                span = (
                    Level(1.0, a.nsr + f * (b.nsr - a.nsr)) for f in (passed, passed + fraction)
                )
                x, passed = x + flow(here, *span, fraction), passed + fraction
            corners.append(x)
        ends.append(x)
    return torch.cat(corners).flatten(1), torch.cat(ends).flatten(1)


# %%
exact = zigzag(STRANG, 200)[1]
fig, axes = plt.subplots(1, 2, figsize=(8, 4.4), dpi=90, layout="constrained", sharey=True)
circle = torch.linspace(0, 2 * math.pi, 100, dtype=torch.float64)
rim = prior.mean + torch.stack([circle.cos(), circle.sin()], 1) @ torch.linalg.cholesky(cov).T
for ax, (name, split) in zip(axes, {"Lie": LIE, "Strang": STRANG}.items(), strict=True):
    corners, ends = zigzag(split, 4)
    ax.fill(*rim.T, color="0.92")
    ax.axline((0.3 / float(row[0]), 0), slope=-float(row[0] / row[1]), color="grey", ls="--", lw=1)
    ax.plot(*exact.T, "k", lw=1.5, label="exact")
    ax.plot(*corners.T, color="C1", lw=1, label="stages")
    ax.plot(*ends.T, "o", color="C1", ms=4)
    error = float((ends - exact[::50]).norm(dim=1)[1:].mean())
    ax.set(title=f"{name}: {error:.2f} off after a step", aspect="equal")
    ax.set(xlim=(-1.8, 2.2), ylim=(-1.1, 2.7))
axes[0].legend(loc="lower left")
plt.show()

# %% [markdown]
# ## Orders
#
# Halve the step: a method of order $p$ is $2^p$ times closer. First the prior alone (no data), in
# eight dimensions, where the flow of a Gaussian is known in closed form:

# %%
shape = (1, 2, 4)
basis = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)).double())[0]
prior = GaussianPrior(shape, torch.zeros(8).double(), basis * torch.linspace(0.3, 1.5, 8) @ basis.T)
camera = ops.dense_gaussian(shape, 4, seed=1).double()
problem = Problem(camera, gaussian(0.3), torch.tensor([[0.5, -1.0, 0.2, 0.8]], dtype=torch.float64))
begin = torch.linspace(-2, 3, 8, dtype=torch.float64).view(1, *shape)
counts = (8, 16, 32, 64, 128)


def end(process):
    *_, last = process.iterate(problem, Rng([0]), State(begin))
    return last.x


def plot_orders(ax, methods, truth):
    """Errors against steps, with the order between the last two in the legend."""
    for name, make in methods.items():
        errors = [float((end(make(n)) - truth).norm()) for n in counts]
        ax.loglog(
            counts, errors, "o-", ms=3, label=f"{name}: {math.log2(errors[-2] / errors[-1]):.2f}"
        )
    ax.set(xlabel="steps", xticks=counts, xticklabels=counts)
    ax.minorticks_off()
    ax.legend(title="measured order", fontsize=8)


spread = lambda sigma: (prior.values + sigma**2).sqrt()  # noqa: E731
rotated = begin.flatten(1) @ prior.vectors * spread(0.25) / spread(2.0)
free = (rotated @ prior.vectors.T).view_as(begin)

fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), dpi=90, layout="constrained")
transitions = {
    "Euler (DDIM)": DDIM(0),
    "Heun": Heun(),
    "DPM-Solver++ 2M": DPMSolver2M(),
    "Adams-Bashforth 2": Multistep(2),
    "Adams-Bashforth 4": Multistep(4),
}
plot_orders(
    axes[0], {k: lambda n, t=t: Process(prior, t, Steps(n)) for k, t in transitions.items()}, free
)
axes[0].set(title="the prior alone", ylabel="distance to the exact end")

exact_score = MomentScore(4)
strict, loose = (ScoreFlow(exact_score, midpoint=midpoint) for midpoint in (True, False))
guided = Guided(prior, exact_score)
methods = {
    "Lie": lambda n: Process(prior, Heun(), Steps(n), strict, LIE),
    "Strang": lambda n: Process(prior, Heun(), Steps(n), strict, STRANG),
    "Strang, data by Euler": lambda n: Process(prior, Heun(), Steps(n), loose, STRANG),
    "Strang, AB2 inside": lambda n: Process(prior, Multistep(2), Steps(n), strict, STRANG),
    "no splitting, AB2": lambda n: Process(guided, Multistep(2), Steps(n)),
}
plot_orders(axes[1], methods, end(Process(guided, Multistep(4), Steps(1024))))
axes[1].set(title="with data")
plt.show()

# %% [markdown]
# Three things to take along:
#
# - Strang is second order only if **both** parts are: with an Euler step for the data it falls to
#   first.
# - A multistep method **inside** a splitting is first order: its memory reaches across the jumps
#   that the data made. As published (LTSP, STSP), that is what they do; `stsp(corrected=True)`
#   does not.
# - Want multistep? Put the data into the denoiser (`Guided`) and split nothing.
#
# ## Does it matter on a photograph?
#
# A small one with 70 % of its pixels lost, and noise; the bundled prior; the likelihood score of
# PiGDM. A step of Strang costs several network calls (two forward and two backward for each half
# of the data, two forward for Heun), so each picture says what it **cost**: calls forward +
# backward.

# %%
x = sample_photograph("astronaut", size=48)[None]
problem = measure(ops.inpaint_random(x.shape[1:], keep=0.3), gaussian(0.05), x, Rng([0]))
network, pinv = bundled(), PinvScore(data_variance=0.25)
flows = {
    "unsplit": lambda n: Process(network, DDIM(0), Grid(n, start=20.0, end=0.02), ScoreFlow(pinv)),
    "Strang": lambda n: Process(
        network, Heun(), Grid(n, start=20.0, end=0.02), ScoreFlow(pinv, midpoint=True), STRANG
    ),
    "nested": lambda n: nested(network, outer_steps=n),
}
tiles = []
for name, n in (
    ("unsplit", 8),
    ("unsplit", 32),
    ("Strang", 4),
    ("Strang", 8),
    ("nested", 2),
    ("nested", 8),
):
    result = solve(flows[name](n), problem, Rng([1]))
    cost = f"{result.nfe} + {result.backward} calls · {float(psnr(result.x0, x)):.1f} dB"
    tiles.append(Tile(f"{name}, {n} steps", result.x0[0], cost))
truth, measured = Tile("truth", x[0]), Tile("measured", problem.y[0])
show([truth, *tiles[:2], tiles[4]], [measured, *tiles[2:4], tiles[5]])

# %% [markdown]
# With eight steps each Strang is better, but for as many calls more unsplit steps are better
# still: the likelihood score is stiff, and with few steps its orders are far from being seen.
# What pays is another kind of splitting. The nested sampler's inner chain alternates the denoiser
# with the data step **solved exactly** (`prox`), which no stiffness can shake and which needs no
# backward pass at all.
