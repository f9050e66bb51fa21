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
# # Priors: what a denoiser knows at each noise level
#
# A prior answers one question: given $x = \alpha x_0 + \sigma n$ at a known level, what is $E[x_0
# \mid x]$? That is a denoiser, and everything else (scores, samples, posteriors) follows from
# asking it again at other levels. This notebook asks the prior that ships with the package, and
# two priors whose answers are known exactly.

# %%
import matplotlib.pyplot as plt
import torch
from pictures import show

from inverse.denoise import Prior
from inverse.images import Tile, from_unit, sample_photograph
from inverse.levels import Grid, Level
from inverse.metrics import psnr
from inverse.priors import Mixture, bundled
from inverse.samplers import Process
from inverse.transitions import DDIM, Heun
from operators import Problem, Rng, gaussian, identity

prior = bundled()
x = sample_photograph("chelsea", size=128)[None]
noise = Rng([0]).normal(x.shape)

# %% [markdown]
# ## The same picture under more and more noise
#
# With $\alpha = 1$ a level is just a standard deviation, on images in $[-1, 1]$.

# %%
noisy, clean = [], []
for sigma in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2):
    level = Level(1.0, sigma)
    with torch.no_grad():
        seen, guess = x + sigma * noise, prior.denoise(x + sigma * noise, level)
    noisy.append(Tile(f"sigma = {sigma}", seen[0]))
    clean.append(Tile("", guess[0], f"{float(psnr(guess, x)):.1f} dB"))
show(noisy, clean, size=128)

# %% [markdown]
# At little noise the prior repairs texture; at much noise it keeps the shapes it can be sure of
# and averages over the rest. It does not invent: a *mean* of all images that fit is blurred by
# right.
#
# ## How much is that worth?
#
# The fair opponent is the best **linear** denoiser. Natural images have a power spectrum of about
# $1/f^2$; for a Gaussian with that spectrum the posterior mean is the Wiener filter, and a prior
# of our own takes a few lines:


# %%
class Wiener(Prior):
    """Grey-mean Gaussian images with power 1 / (f^2 + f0^2) and variance 1/4."""

    def __init__(self, side):
        super().__init__()
        f = torch.fft.fftfreq(side)
        power = 1 / (f[:, None] ** 2 + f**2 + side**-2)
        self.power = 0.25 * power / power.mean()

    def denoise(self, x, level):
        gain = level.alpha * self.power / (level.alpha**2 * self.power + level.sigma**2)
        return torch.fft.ifft2(torch.fft.fft2(x) * gain).real


# %%
photographs = torch.stack(
    [sample_photograph(n, size=64) for n in ("astronaut", "coffee", "chelsea")]
)
noises = Rng([0, 1, 2]).normal(photographs.shape)
sigmas = torch.logspace(-1.7, 1, 12).tolist()
errors = {"nothing": [], "Wiener": [], "the bundled network": []}
with torch.no_grad():
    for sigma in sigmas:
        seen, level = photographs + sigma * noises, Level(1.0, sigma)
        guesses = seen, Wiener(64).denoise(seen, level), prior.denoise(seen, level)
        for kept, guess in zip(errors.values(), guesses, strict=True):
            kept.append(float((guess - photographs).square().mean().sqrt()))

# %%
fig, ax = plt.subplots(figsize=(6, 3.2), dpi=90, layout="constrained")
for (name, kept), style in zip(errors.items(), (":", "--", "-"), strict=True):
    ax.loglog(sigmas, kept, style, label=name)
ax.axhline(float(photographs.std()), color="grey", lw=1)
ax.annotate(
    "a guess of mid-grey", (sigmas[0], 0.9 * float(photographs.std())), color="grey", va="top"
)
ax.set(xlabel="sigma", ylabel="root mean squared error", ylim=(0.01, 2))
ax.legend()
plt.show()

# %% [markdown]
# The gap between the two lower curves is what the network knows about pictures beyond their
# spectrum. It is widest in the middle: that is where restoration is decided, and why the nested
# sampler spends its calls between $\sigma = 0.3$ and $0.03$.
#
# ## Where it looks
#
# The Wiener filter averages over the same window everywhere. The network looks first. Row $i$ of
# its Jacobian $\partial D / \partial x$ is the window with which it averages *at pixel* $i$; by
# Tweedie's formula $\sigma^2 \partial D / \partial x$ is also the covariance of the pixel with
# all others, given the noisy image (if the denoiser is exact).

# %%
row, column, around = 52, 88, 20  # in an eye, where the pupil ends
cut = (slice(row - around, row + around), slice(column - around, column + around))
rows = []
for sigma in (0.1, 0.3, 0.8):
    level, windows = Level(1.0, sigma), []
    for one in (prior, Wiener(128)):
        leaf = (x + sigma * noise).requires_grad_()
        one.denoise(leaf, level)[0, :, row, column].sum().backward()
        window = leaf.grad[0].sum(0)[cut]
        windows.append(from_unit((window / window.abs().amax()).clamp(0, 1) ** 0.5)[None])
    rows.append(
        [
            Tile(f"sigma = {sigma}", (x + sigma * noise)[0][:, *cut]),
            *map(Tile, ("network", "Wiener"), windows),
        ]
    )
show(*zip(*rows, strict=True))

# %% [markdown]
# ## From denoising to sampling
#
# $(x - \alpha\, E[x_0 \mid x]) / \sigma$ estimates the noise, and following it down to $\sigma =
# 0$ is the probability flow. For a mixture of Gaussians the denoiser is exact, so the paths can
# be looked at: far out all is one crowd, and every path is decided on its way in, at its own
# noise level.

# %%
centres = torch.tensor([[1.0, 0.9], [-1.2, 0.6], [-0.4, -1.1], [1.1, -0.9]])
mixture = Mixture((1, 1, 2), centres, torch.tensor([1.0, 1.0, 2.0, 1.0]), variance=0.02)
count = 60
nothing = Problem(
    identity((1, 1, 2)), gaussian(1.0), torch.zeros(count, 1, 1, 2)
)  # the prior ignores it
flow = Process(mixture, Heun(), Grid(40, start=5.0, end=0.01))
states = []
for iterate in flow.iterate(nothing, Rng(range(count))):
    states.append(iterate.x.flatten(1))
paths = torch.stack(states, 1)  # (60 paths, 40 steps, 2)

fig, ax = plt.subplots(figsize=(4.6, 4.6), dpi=90, layout="constrained")
nearest = torch.cdist(paths[:, -1], centres).argmin(1)
for path, mode in zip(paths, nearest, strict=True):
    ax.plot(*path.T, lw=0.7, color=f"C{int(mode)}", alpha=0.7)
ax.plot(*centres.T, "k+", ms=10)
ax.set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal", title="probability flow into a mixture")
plt.show()

# %% [markdown]
# ## What the bundled prior dreams of
#
# Asked for pictures with no data at all, from pure noise, a small network that was trained for
# 270 minutes on one core gives plausible *local* structure and no objects. Remember this when it
# restores: where the data say nothing at all (a large hole), it continues textures and edges; it
# will not draw you a face.

# %%
nothing = Problem(identity((3, 64, 64)), gaussian(1.0), torch.zeros(4, 3, 64, 64))
dream = Process(prior, DDIM(0.5), Grid(16, start=40.0, end=0.03))
for iterate in dream.iterate(nothing, Rng(range(4))):
    pass
show([Tile("", picture) for picture in iterate.x0], size=128)
