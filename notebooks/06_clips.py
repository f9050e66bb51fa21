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
# # Clips: one data step for all frames
#
# A prior of pictures restores a clip frame by frame, and what it invents flickers: every frame is
# another guess. `nested_video` lets the same prior see every frame, but gives all of them one data
# step, holds pixels together along the motion, and moves the noise with the picture. This notebook
# measures what that gains on a window that moves over a photograph.

# %%
import matplotlib.pyplot as plt
import torch
from pictures import show

from inverse.images import Tile, sample_photograph
from inverse.images.motion import estimated
from inverse.metrics import psnr
from inverse.priors import bundled
from inverse.solvers import nested_video
from inverse.solving import solve
from inverse.starts import wiener
from operators import Rng, downsample, exposure, framewise, gaussian, measure

photograph = sample_photograph("chelsea", size=128)
clip = torch.stack([photograph[:, 40:88, 20 + 4 * t : 68 + 4 * t] for t in range(6)], 1)[None]
print(tuple(clip.shape))  # (B, C, T, H, W)

# %% [markdown]
# ## The measurement
#
# A slow, coarse camera: each of its frames is the mean of two, of 2 x 2 pixels, with noise.
# Operators along time and operators of pictures (`framewise`) are chained as any others.

# %%
slow = exposure(clip.shape[1:], every=2)
coarse = framewise(downsample((3, 48, 48), 2), slow.out_shape[1])
problem = measure(coarse @ slow, gaussian(0.05), clip, Rng([0]))


def row(name, video, frames, wanted=(0, 2, 4)):
    return [Tile(f"{name} {t}", video[0][:, t * video.shape[2] // frames]) for t in wanted]


show(row("truth", clip, 6), row("measured at", problem.y, 6), size=112)

# %% [markdown]
# ## Frame by frame, and as one
#
# `rho=0, mu=0` is what a sampler of pictures would do: noise of its own for every frame, nothing
# that holds frames together but what was measured. The motion is not given away: TV-L1 finds it in
# the Wiener restoration, a linear first guess.

# %%
prior = bundled()
motion = estimated(wiener(problem)[0], span=2)
short = {"outer_steps": 4, "inner_most": 2}
samplers = {
    "frame by frame": nested_video(prior, rho=0.0, mu=0.0, **short),
    "taken for still": nested_video(prior, mu=5.0, **short),
    "along the motion": nested_video(prior, mu=20.0, motion=motion, **short),
}
restored = {name: solve(sampler, problem, Rng([1])).x0 for name, sampler in samplers.items()}
show(*(row(name, x, 6) for name, x in {"truth": clip, **restored}.items()), size=112)

# %% [markdown]
# ## What flickers
#
# The error of a still picture may stand still: then nobody sees it. What is seen is the error that
# changes from frame to frame, along the motion: here along the true one, four columns a frame.


# %%
def flicker(x):
    """The mean square of the change of the error, frame by frame."""
    error = x - clip
    return (error[:, :, 1:, :, :-4] - error[:, :, :-1, :, 4:]).square().mean((0, 1, 3, 4))


fig, axes = plt.subplots(1, 2, figsize=(8, 2.8), dpi=90, layout="constrained")
for name, x in restored.items():
    axes[0].plot(psnr(x[0].movedim(1, 0), clip[0].movedim(1, 0)), "o-", label=name)
    axes[1].semilogy(range(1, 6), flicker(x), "o-", label=name)
axes[0].set(xlabel="frame", ylabel="PSNR [dB]")
axes[1].set(xlabel="frame", ylabel="flicker")
axes[0].legend()
plt.show()

# %% [markdown]
# Taken for still, the moving clip is smeared, and half of the flicker is left: the data step holds
# pixels together that are not the same. Along the motion hardly any is left, and every frame gains
# from what the others saw. `python -m benchmarks.clips` measures this on more, and on footage.
#
# A long clip goes through in windows (`inverse.solving.in_windows`), and the command line does all
# of this for a film: `inverse restore image=film.mp4 operator=downsample time=exposure
# solver=nested_video solver.motion=estimate`.
