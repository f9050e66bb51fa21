"""A blur whose kernel may be any: non-negative, of sum 1, its middle in the middle."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from inverse.denoise import mixtures, noise_level, transformed
from inverse.samplers.blind.coordinates import coordinates, fading, weights
from inverse.samplers.blind.evidence import contrasts
from inverse.samplers.blind.families import blur_family
from inverse.samplers.blind.refits import NoiseLevel, Refit
from inverse.samplers.found import Found, known
from operators import Problem, blur_kernel
from operators.blurs.borders import Border
from operators.core import fft

STEPS = 80


class BlurKernel(Refit):
    """Any kernel, by ascent of its evidence in the brightness, from what was found before.

    `log p(y | D, k) = -1/2 sum_f |(y - k * D)_f|^2 / v_f + log v_f`,
    `v_f = |k_f|^2 c r_f^2 + sigma_y^2`, over `k >= 0`, `sum k = 1`; then k is moved by whole pixels
    until its centre of mass is in the middle, as k and the image may move against each other. At
    first, when nothing of the image is known, it is the likeliest Gaussian: that law tells `|k_f|`
    alone. The evidence has other peaks than the highest, and the kernel has no uncertainty.

    Args:
        size, padding, noise: as in `BlurParameters`. steps: of the ascent, two evidences each.
    """

    def __init__(
        self,
        size: int = 25,
        padding: str = "replicate",
        noise: NoiseLevel | None = None,
        steps: int = STEPS,
    ) -> None:
        self.first = blur_family("gaussian", size, padding, noise)
        self.size, self.padding, self.steps = size, padding, steps

    def __call__(self, problem: Problem, x0: Tensor, r2: Tensor, last: Found | None) -> Found:
        if last is None or last.kernel is None:
            return self.first(problem, x0, r2, None)._replace(numbers={})
        fits = self._evidence(known(problem, [last]), x0, r2)
        kernel = centred(ascended(fits, last.kernel.cpu().double(), self.steps))
        operator = blur_kernel(problem.operator.in_shape, kernel, self.padding)
        return Found({}, operator=operator.to(problem.operator.anchor), kernel=kernel)

    def _evidence(self, problem: Problem, x0: Tensor, r2: Tensor) -> Callable[[Tensor], Tensor]:
        """`log p(y | D, k)` of kernels (B, 1, h, w), per sample."""
        sigma = torch.as_tensor(noise_level(problem)).cpu().double().expand(len(x0))
        faded = self.padding != "circular"
        c = contrasts(coordinates(problem, x0, r2, faded), sigma, problem.y.shape[1])
        y, x0 = _brightness(problem.y), _brightness(x0)
        r2 = c[:, :1, None, None] * _resampled(r2[:1], y.shape[-2:], x0.shape[-2:])
        border = Border("BlurKernel", self.padding, x0.shape[-2:], (self.size, self.size))
        seen, sides = border.spectrum(x0), y.shape[-2:]
        fade = fading(*sides) if faded else y.new_ones(1)
        weight, noise = weights(sides, fade), sigma.square()[:, None, None, None]

        def fits(kernel: Tensor) -> Tensor:
            rest = (y - border.measure(border.transfer(kernel) * seen)) * fade
            power = transformed(rest).abs().square() / fade.square().mean()
            variance = fft.rfft2(kernel, sides).abs().square() * r2 + noise
            return -0.5 * (weight * (power / variance + variance.log())).flatten(1).sum(1)

        return fits


def _resampled(r2: Tensor, sides: Sequence[int], of: Sequence[int]) -> Tensor:
    """A half plane of images with sides `of` at the nearest frequencies of those with `sides`."""
    down = (torch.fft.fftfreq(sides[0], dtype=torch.float64) * of[0]).round().long() % of[0]
    across = (torch.fft.rfftfreq(sides[1], dtype=torch.float64) * of[1]).round().long()
    return r2[:, down][:, :, across]


def _brightness(x: Tensor) -> Tensor:
    mixture = mixtures(x.shape[1])[0]
    return torch.einsum("j,bjhw->bhw", mixture, x.cpu().double())[:, None]


def ascended(fits: Callable[[Tensor], Tensor], kernel: Tensor, steps: int) -> Tensor:
    """Accelerated projected gradient ascent from a kernel (B, 1, h, w), of `fits`: (B,).

    A step that loses is taken back and halved, and its momentum forgotten.

    Reference: O'Donoghue and Candès, 2015, doi:10.1007/s10208-013-9150-3 (the restart).
    """
    best, value = kernel, fits(kernel)
    ahead, age = kernel, kernel.new_zeros(len(kernel), 1, 1, 1)
    gradient = _gradient(fits, kernel)
    size = 0.1 / gradient.flatten(1).norm(dim=1)[:, None, None, None].clamp_min(1e-12)
    for _ in range(steps):
        tried = projected(ahead + size * gradient)
        now = fits(tried)
        better = (now >= value)[:, None, None, None]
        age = torch.where(better, age + 1, 0.0)
        momentum = (age - 1).clamp_min(0) / (age + 2)
        ahead = torch.where(better, tried + momentum * (tried - best), best)
        best, value = torch.where(better, tried, best), now.maximum(value)
        size = torch.where(better, 1.2 * size, 0.5 * size)
        gradient = _gradient(fits, ahead)
    return best


def _gradient(fits: Callable[[Tensor], Tensor], kernel: Tensor) -> Tensor:
    with torch.enable_grad():
        kernel = kernel.detach().requires_grad_()
        return torch.autograd.grad(fits(kernel).sum(), kernel)[0]


def projected(kernel: Tensor) -> Tensor:
    """The nearest kernel (B, 1, h, w) that is non-negative and has the sum 1.

    Reference: Held, Wolfe and Crowder, 1974, doi:10.1007/BF01580223.
    """
    flat = kernel.flatten(1)
    order = flat.sort(1, descending=True).values
    over = (order.cumsum(1) - 1) / torch.arange(1, flat.shape[1] + 1).to(flat)
    last = (order > over).sum(1, keepdim=True) - 1
    return (flat - over.gather(1, last)).clamp_min(0).view_as(kernel)


def centred(kernel: Tensor) -> Tensor:
    """Kernels (B, 1, h, w) moved by whole pixels: their centres of mass are in the middle."""
    for dim in (-2, -1):
        n = kernel.shape[dim]
        places = torch.arange(n).to(kernel)
        mass = kernel.sum((1, -1 if dim == -2 else -2))
        moves = (n // 2 - (mass @ places)).round().long().tolist()
        kernel = torch.stack([k.roll(m, dim) for k, m in zip(kernel, moves, strict=True)])
    return kernel
