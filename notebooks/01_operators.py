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
# # Operators: what a camera does, and how far it can be undone
#
# A measurement is $y = A x + \text{noise}$. `operators/` holds the $A$: exact forward models that
# need nothing but torch. A linear one brings its **adjoint** $A^\top$ and its **solves**, in
# closed form wherever mathematics lets it. This notebook looks at all three.

# %%
import matplotlib.pyplot as plt
import torch
from pictures import show

import operators as ops
from inverse.images import Tile, from_unit, sample_photograph
from inverse.metrics import psnr
from operators import Rng, checks, gaussian, measure

x = sample_photograph("coffee", size=128)[None]  # (1, 3, 128, 128) in [-1, 1]
shape = x.shape[1:]

# %% [markdown]
# ## Nine ways to lose information
#
# An operator maps a batch of images $(B, C, H, W)$ to measurements that may have any shape.
# `picture(y)` lays them out to look at: what is no image (the Walsh-Hadamard and the Fourier
# samples) is projected back by the pseudo-inverse $A^+$.

# %%
cameras = {
    "truth": ops.identity(shape),
    "lost pixels": ops.inpaint_random(shape, keep=0.3),
    "text over it": ops.inpaint_text(shape, words="coffee or tea? ", size=20),
    "Gaussian blur": ops.blur_gaussian(shape, size=21, std=2.5),
    "motion blur": ops.blur_motion(shape, size=21, seed=3),
    "block means x4": ops.downsample(shape, factor=4),
    "Bayer mosaic": ops.bayer(shape),
    "25 % of Walsh-Hadamard": ops.walsh_hadamard(shape, ratio=0.25),
    "25 % of Fourier": ops.fourier(shape),
    "quantised to 2 bits": ops.quantise(shape, bits=2),
}
tiles = [Tile(name, a.picture(a(x))[0]) for name, a in cameras.items()]
show(tiles[:5], tiles[5:])

# %% [markdown]
# ## The adjoint
#
# The adjoint is defined by $\langle A x, y\rangle = \langle x, A^\top y\rangle$ for all $x, y$.
# It says where a measurement came from, and every gradient of a data term passes through it. To
# see an operator, light a single pixel $e$ and look at $A^\top A e$: what the data remember of
# it.

# %%
light = torch.zeros(1, 1, 64, 64)
light[..., 32, 32] = 1.0
seen = {
    "defocus": ops.blur_defocus((1, 64, 64), size=15, radius=5),
    "motion blur": ops.blur_motion((1, 64, 64), size=21, seed=3),
    "block means x8": ops.downsample((1, 64, 64), factor=8),
    "25 % of Walsh-Hadamard": ops.walsh_hadamard((1, 64, 64), ratio=0.25),
    "line integrals": ops.radon((1, 64, 64), angles=12),
}
tiles = [Tile("e", from_unit(light[0]))]
for name, a in seen.items():
    echo = a.adjoint(a(light)).abs()
    tiles.append(Tile(name, from_unit((echo / echo.amax()) ** 0.5)[0]))  # faint things too
show(tiles)

# %% [markdown]
# A blur answers twice as wide, block means answer with the whole block, random samples answer
# everywhere at once: that haze is what makes compressed sensing work.
#
# A wrong adjoint is a quiet bug: gradients still point somewhere and pictures still come out. So
# the check is public. Here is the classic mistake, a blur whose "transpose" is the blur itself:


# %%
class Careless(ops.LinearOperator):
    def __init__(self, blur):
        super().__init__(blur.in_shape, blur.out_shape)
        self.blur = blur

    def _forward(self, x):
        return self.blur(x)

    def _adjoint(self, y):
        return self.blur(y)  # right for symmetric kernels only


for blur in (cameras["Gaussian blur"], cameras["motion blur"]):
    try:
        print(f"{checks.dot_test(Careless(blur)):.0e}: fine, the kernel is symmetric")
    except AssertionError as error:
        print(error)
print(f"{checks.dot_test(cameras['motion blur']):.0e}: ours")

# %% [markdown]
# ## Undoing it: one primitive
#
# The pseudo-inverse $A^+ y$ is the least-norm least-squares solution, and a bad idea as soon as
# there is noise: it divides by singular values near zero. What solvers need is the **proximal
# step**
#
# $$\operatorname{prox}(x, y, \lambda)
# = \operatorname{argmin}_z \|A z - y\|^2 + \lambda \|z - x\|^2,$$
#
# which believes the data where they are strong and $x$ where they are weak. With $\lambda =
# \sigma_y^2 / r^2$ it is the posterior mean for a Gaussian belief of variance $r^2$ around $x$.

# %%
blur = cameras["Gaussian blur"]
problem = measure(blur, gaussian(0.02), x, Rng([0]))
grey = torch.zeros_like(x)
lams = torch.logspace(-6, 0, 25)
scores = [float(psnr(blur.prox(grey, problem.y, float(lam)), x)) for lam in lams]
best = float(lams[max(range(len(lams)), key=scores.__getitem__)])

answers = {"measured": problem.y, "pinv": blur.pinv(problem.y)}
answers |= {f"lam = {lam:.0e}": blur.prox(grey, problem.y, lam) for lam in (1e-5, best, 0.3)}
show([Tile(name, z[0], f"{float(psnr(z, x)):.1f} dB") for name, z in answers.items()])

# %%
fig, ax = plt.subplots(figsize=(5, 2.6), dpi=90, layout="constrained")
ax.semilogx(lams, scores)
ax.axhline(float(psnr(problem.y, x)), color="grey", lw=1, ls=":")
ax.annotate("as measured", (1e-6, float(psnr(problem.y, x)) + 0.5), color="grey")
ax.set(
    xlabel="lam", ylabel="PSNR [dB]", title="Too little belief in x amplifies noise, too much blurs"
)
plt.show()

# %% [markdown]
# Each solve is one pass of the operator's own fast transform, and exact. Compared with the dense
# matrix in float64, on a picture small enough to have one:

# %%
small = ops.blur_motion((1, 16, 16), size=9, seed=3).double()
matrix = small(torch.eye(256, dtype=torch.float64).view(256, 1, 16, 16)).flatten(1).T
b = torch.randn(1, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
dense = torch.linalg.solve(matrix.T @ matrix + 1e-3 * torch.eye(256).double(), b.flatten())
error = (small.gram_solve(b, 1e-3).flatten() - dense).abs().max() / dense.abs().max()
print(f"gram_solve against the dense solve: {error:.0e}")
for a in (
    small,
    ops.downsample(shape, 4) @ blur,
    ops.blur_lens(shape),
    cameras["quantised to 2 bits"],
):
    print(a.describe())

# %% [markdown]
# ## Not one answer but many
#
# Given a Gaussian belief, the posterior is a Gaussian too, and `posterior_sample` draws from it
# exactly (perturb and solve). Eight draws around a smooth guess (here the blurred truth, standing
# for any rough estimate) show what the data pin down and what they leave open: their standard
# deviation is a map of ignorance.

# %%
guess = torch.nn.functional.avg_pool2d(x, 9, 1, 4, count_include_pad=False)
first, spread = [Tile("the guess", guess[0])], [Tile("truth", x[0])]
for name in ("lost pixels", "text over it", "block means x4", "Gaussian blur"):
    y = measure(cameras[name], gaussian(0.05), x, Rng([0])).y
    eight = guess.expand(8, *shape), y.expand(8, *y.shape[1:])
    draws = cameras[name].posterior_sample(*eight, 0.05, 0.04, Rng(range(8)))
    std = draws.std(0).mean(0, keepdim=True)
    first.append(Tile(name, draws[0], "one draw"))
    spread.append(
        Tile("", from_unit(std / 0.25), f"their spread, {float(std.mean()):.2f} on average")
    )
show(first, spread)

# %% [markdown]
# The belief here, independent pixels around a blurred guess, is a poor one, and so the draws are
# noisy. A better belief about images is what the next notebook is about.
