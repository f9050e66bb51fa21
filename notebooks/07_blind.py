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
# # A photograph blurred by an unknown hand movement
#
# The hand moved while the shutter was open, nobody knows how. Two things are not known then, the
# picture and the kernel, and of the two one must be guessed before the other. This notebook first
# lets the edges tell the kernel, then the prior, and asks how sure it is.

# %%
import matplotlib.pyplot as plt
from pictures import show

from inverse.images import Tile, sample_photograph
from inverse.metrics import psnr
from inverse.priors import bundled
from inverse.samplers import Blind, BlurKernel
from inverse.solvers import diffpir
from inverse.solving import solve
from operators import Problem, Rng, blur_kernel, gaussian, kernels

SIZE, SIGMA = 15, 0.02
wide = sample_photograph("astronaut", size=192)[None]
shaken = kernels.motion(SIZE, seed=3)
y = blur_kernel(wide.shape[1:], shaken)(wide)
y = (y + SIGMA * Rng([0]).normal(y.shape))[..., 16:-16, 16:-16].contiguous()
x = wide[..., 16:-16, 16:-16].contiguous()


def picture(kernel):
    return (kernel / kernel.max() * 2 - 1).float().view(1, SIZE, SIZE)


show([Tile("truth", x[0]), Tile("shaken", y[0]), Tile("by this", picture(shaken))], size=160)

# %% [markdown]
# ## What the edges tell
#
# A step that was blurred is the kernel, summed along the step. So of a sharp image the edges would
# tell the kernel at once, and of a kernel the image. `BlurKernel` goes to and fro, from a small
# picture with a kernel of 3 pixels to the whole one, and asks the image for few edges: or else a
# smooth picture and no blur would explain everything. No network is asked.
#
# ## What the prior tells
#
# Then `Blind` looks at the image through the prior before each of its first four steps, and climbs
# the evidence of the kernel: how likely the photograph is, with the prior's estimate of the image
# and the error that such estimates have. The rest of the walk is as with a known kernel.

# %%
refit, prior = BlurKernel(SIZE), bundled()
problem = Problem(refit.guess(x.shape[1:]), gaussian(SIGMA), y)
walk = Blind(diffpir(prior, steps=12), [refit])
iterates = list(walk.iterate(problem, Rng([1])))
blind, found = iterates[-1].x0, iterates[-1].found[0]
right = Problem(blur_kernel(x.shape[1:], shaken, "replicate"), gaussian(SIGMA), y)
known = solve(diffpir(prior, steps=12), right, Rng([1])).x0
show([Tile(f"look {i + 1}", picture(iterates[i].found[0].kernel[0])) for i in range(4)], size=112)


def row(name, image, kernel):
    inside = (..., slice(16, -16), slice(16, -16))
    caption = f"{float(psnr(image[inside], x[inside])[0]):.2f} dB"
    return [Tile(name, image[0], caption), Tile("kernel", picture(kernel))]


show(
    row("shaken", y, shaken),
    row("blind", blind, found.kernel[0]),
    row("known", known, shaken),
    size=160,
)

# %% [markdown]
# Between a kernel that lies a little to the left and a picture that lies a little to the right the
# data cannot tell: a part of the decibels is such a move, which no eye sees.
#
# ## How sure
#
# The curvature of the evidence says how far each value of the kernel may be off, given the image.
# It leaves out that the image was itself restored with this kernel, and is here many times too
# small; where it is as large as the kernel, nothing is known. Of the whole, `extent` is the
# standard deviation of the kernel's mass in pixels.

# %%
mean, std = found.numbers["extent"]
print(f"extent {float(mean[0]):.2f} +- {float(std[0]):.2f} pixels")
fig, axes = plt.subplots(1, 3, figsize=(8, 2.6), dpi=90, layout="constrained")
shown = {"true": shaken, "found": found.kernel[0, 0], "uncertainty": found.kernel_std[0, 0]}
for ax, (name, kernel) in zip(axes, shown.items(), strict=True):
    fig.colorbar(ax.imshow(kernel.view(SIZE, SIZE), cmap="magma", vmin=0), ax=ax)
    ax.set(title=name, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# The same at the command line, of a photograph of your own:
# `inverse restore measurement=shaken.jpg operator=blur_unknown operator.family=free`.
# How often it works is in `docs/how-to/blind.md`.
