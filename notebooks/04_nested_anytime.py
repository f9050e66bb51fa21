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
# # Nested and anytime: stop when you like, step in when you want
#
# A sampler run to the end is a denoiser, and a denoiser is what a sampler is made of. So samplers
# nest. Ours is an outer annealing whose every "denoising" is a whole small restoration, data
# included: each outer step ends with a picture one could hand out. This notebook watches it,
# stops it early, and paints into it half way.

# %%
import matplotlib.pyplot as plt
import torch
from pictures import show

from inverse.images import Tile, sample_photograph
from inverse.metrics import psnr
from inverse.priors import bundled
from inverse.solvers import diffpir, nested
from inverse.solving import Budget, Planned, solve
from operators import Inpaint, Rng, gaussian, inpaint_random, measure

prior = bundled()

# %% [markdown]
# ## The composition
#
# This is all there is to it. `nested(prior)` writes the same with its constants:
#
# ```python
# walk = Growing(1, 3, top=0.3, bottom=0.2, end=0.03)  # one call at first, three from 0.2 down
# inner = Process(Conditioned(prior, Prox(0.18)), Anneal(1.0), walk)
# outer = Process(Nested(inner), Anneal(0.5), Grid(9, start=0.3, end=0.05, spacing="log"))
# ```
#
# A denoiser (`prior`) followed by a data step (`Prox`) is a denoiser (`Conditioned`); a sampler
# over it (`Process`) run to the end is a denoiser again (`Nested`); and that goes into the same
# `Process`.

# %%
x = sample_photograph("astronaut", size=96)[None]
problem = measure(inpaint_random(x.shape[1:], keep=0.2), gaussian(0.05), x, Rng([0]))
sampler = nested(prior)


def walk(sampler):
    """The estimate after every step and the network calls it took."""
    result = solve(sampler, problem, Rng([1]), keep=99)
    return [(shot.nfe, shot.x0) for shot in result.snapshots]


def tile(calls, x0):
    return Tile("", x0[0], f"{calls} calls · {float(psnr(x0, x)):.1f} dB")


ours = walk(sampler)
strip = [Tile("80 % lost", problem.y[0]), *(tile(*step) for step in ours)]
show(strip[:5], [Tile("truth", x[0]), *strip[5:]], size=128)

# %% [markdown]
# Compare a plain chain of as many calls (DiffPIR with its constants for inpainting, the same data
# step): what it holds half way is half a restoration. Part of the lead is the start from a linear
# restoration, which any chain could share; `benchmarks.quality` measures that chain too, as
# `vanilla`.

# %%
plain = walk(diffpir(prior, steps=24, lam=1.0, zeta=1.0))
show([tile(*plain[k]) for k in (2, 8, 14, 20, 23)], size=128)

fig, ax = plt.subplots(figsize=(5.5, 2.8), dpi=90, layout="constrained")
for name, steps, style in (("nested", ours, "o-"), ("a plain chain", plain, ".--")):
    quality = [float(psnr(x0, x)) for _, x0 in steps]
    ax.plot([calls for calls, _ in steps], quality, style, label=name)
ax.set(xlabel="network calls", ylabel="PSNR [dB]")
ax.legend()
plt.show()

# %% [markdown]
# ## A budget instead of a number of steps
#
# Who knows the budget beforehand gets a walk planned for it: as many outer steps as the calls (or
# `seconds=`) pay for, down to the same final level. Here a planned walk and a longer one cut off
# are level while the budget is small (each step ends with a whole picture, after all); a larger
# one is used up instead of left over.

# %%
tiles = []
for calls in (3, 6, 12, 48):
    budget = Budget(nfe=calls)
    planned = solve(Planned(sampler, budget), problem, Rng([1]), budget).x0
    cut = [x0 for spent, x0 in ours if spent <= calls][-1]
    cost = f"{float(psnr(planned, x)):.2f} dB (cut off {float(psnr(cut, x)):.2f})"
    tiles.append(Tile(f"planned for {calls} calls", planned[0], cost))
show(tiles, size=160)

# %% [markdown]
# ## Stepping in
#
# The sampler is a generator: between two steps it waits, and anything may happen. This cat has
# lost an eye, a hole far too large for a small prior.

# %%
x = sample_photograph("chelsea", size=96)[None]
mask = torch.ones(1, 96, 96)
top, left, height, width = 33, 52, 30, 30
mask[:, top : top + height, left : left + width] = 0
problem = measure(Inpaint(x.shape[1:], mask), gaussian(0.05), x, Rng([0]))

rng, kept = Rng([1]), {}
for iterate in sampler.iterate(problem, rng):
    kept[iterate.step] = iterate, rng.state()  # all it takes to come back
show([Tile("measured", problem.y[0]), Tile("left alone", iterate.x0[0]), Tile("truth", x[0])])


def carry_on(step, problem, edit=None):
    """Go on after a step with another problem, or another picture; the picture at the end."""
    iterate, state = kept[step]
    rng.restore(state)
    *_, last = sampler.iterate(problem, rng, iterate if edit is None else edit)
    return last.x0


# %% [markdown]
# So we help: we paste the *other* eye, mirrored, with a soft round brush. `iterate.edited` moves
# the state along with the picture, and the sampler goes on from there.

# %%
radius = 14
across = torch.linspace(-1, 1, 2 * radius)
brush = torch.sigmoid(12 * (0.8 - torch.hypot(across[:, None], across)))
from_, to = (36, 22), (44, 67)  # (row, column) of the two eyes


def around(centre):
    """The square around a (row, column)."""
    return (..., *(slice(middle - radius, middle + radius) for middle in centre))


tiles = []
for step in (2, 6):
    iterate = kept[step][0]
    painted = iterate.x0.clone()
    painted[around(to)] = torch.lerp(painted[around(to)], x[around(from_)].flip(-1), brush)
    painted = torch.where(mask > 0, iterate.x0, painted)  # in the hole only
    end = carry_on(step, problem, iterate.edited(painted))
    level = f"sigma = {iterate.level.nsr:.2f}"
    tiles += [Tile(f"painted after step {step}", painted[0], level), Tile("the end", end[0])]
show(tiles)

# %% [markdown]
# The level says how firmly a word counts. Early on all of the hole is still open to debate, and
# the prior, which knows no eyes, argues ours away. Late, it is taken as said and only its edges
# and its grain are fitted in.
#
# ## New data on the way
#
# The problem may change as well: say, half of the hole turns out to be measured after all.

# %%
more = mask.clone()
more[:, top : top + height // 2] = 1
new = measure(Inpaint(x.shape[1:], more), gaussian(0.05), x, Rng([0]))
pictures = {"after step 2": kept[2][0].x0, "new data": new.y, "the end": carry_on(2, new)}
show([Tile(title, picture[0]) for title, picture in pictures.items()])

# %% [markdown]
# The same in an application: `solve(..., watch=...)` for a progress bar, Ctrl-C or a budget to
# stop, and `inverse restore` writes the strip above for every run as `anytime.png`.
