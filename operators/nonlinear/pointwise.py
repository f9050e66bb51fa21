"""Nonlinear cameras, pixel by pixel: clipping, gamma, quantisation."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import Operator, as_shape
from operators.core.parameters import Values, parameter

DARK = 1 / 1024  # brightness on [0, 1] below which a power law is replaced by its chord to black


def rounded(x: Tensor, slack: float = 0.0) -> Tensor:
    """The nearest integers, halves away from zero; rounding counts as the identity in gradients.

    With `slack`, whatever is that close to a half counts as one, so that rounding errors before
    do not decide. Reference: Bengio et al., 2013, arXiv:1308.3432 (straight-through).
    """
    whole = (x.abs() + (0.5 + slack)).floor().copysign(x)
    return x + (whole - x).detach()


def per_value(owner: Operator, name: str, value: float | Tensor) -> None:
    """Keep a number, or one per sample, as a constant that broadcasts to `(B, *in_shape)`."""
    several = isinstance(value, Tensor)
    values = torch.as_tensor(value, dtype=torch.float64, device="cpu")
    owner.constant(name, values.reshape(-1, *[1] * len(owner.in_shape)), several)


class Clip(Operator):
    """Saturates, as a sensor does; the gradient is 0 beyond.

    `y = clip(gain * x, low, high)`.

    Args:
        image_shape: (C, H, W), or any shape without the batch.
        gain: above 0, a float or one per sample, (B,).

    Raises:
        ValueError: for a bad gain, or where low is not below high.

    Reference: Mardani et al., 2023, arXiv:2305.04391 (high dynamic range: gain 2).
    """

    gain: Tensor

    def __init__(
        self, image_shape: Sequence[int], gain: Values, low: float = -1.0, high: float = 1.0
    ) -> None:
        shape = as_shape("Clip", "image_shape", image_shape)
        if not low < high:
            raise ValueError(f"Clip: low must be below high, got {low} and {high}")
        super().__init__(shape, shape)
        self.low, self.high = float(low), float(high)
        per_value(self, "gain", parameter("Clip", "gain", gain, low_allowed=False))

    def _forward(self, x: Tensor) -> Tensor:
        return (x * self.gain).clamp(self.low, self.high)


class Gamma(Operator):
    """Applies a tone curve to brightness in [0, 1].

    `y = 2 u^gamma - 1` with `u = (x + 1) / 2`. Below u = 1/1024, a quarter of a grey level,
    `u^gamma` is replaced by its chord to 0, also for u < 0: the gradient is finite, not 0, and the
    operator strictly increasing.

    Args:
        image_shape: as for `Clip`.
        gamma: above 0, a float or one per sample, (B,); 2.2 darkens, 1/2.2 brightens.

    Raises:
        ValueError: for a bad gamma.
    """

    gamma: Tensor
    slope: Tensor

    def __init__(self, image_shape: Sequence[int], gamma: Values) -> None:
        shape = as_shape("Gamma", "image_shape", image_shape)
        super().__init__(shape, shape)
        value = parameter("Gamma", "gamma", gamma, low_allowed=False)
        per_value(self, "gamma", value)
        per_value(self, "slope", DARK ** (value - 1))

    def _forward(self, x: Tensor) -> Tensor:
        u = (x + 1) / 2
        power = u.clamp_min(DARK) ** self.gamma
        return 2 * torch.where(u < DARK, self.slope * u, power) - 1


class Quantise(Operator):
    """Rounds to the nearest of equally spaced levels, -1 one of them.

    In gradients rounding counts as the identity (straight-through), so it is 1, and 0 beyond the
    ends.

    Args:
        image_shape: as for `Clip`.
        bits: 1 to 16: 2^bits levels from -1 to 1, what is beyond goes to the end; or
        step: above 0, the distance of levels without end.

    Raises:
        ValueError: unless one of bits and step is given and in range.
    """

    rounds = True

    def __init__(
        self, image_shape: Sequence[int], bits: int | None = None, step: float | None = None
    ) -> None:
        shape = as_shape("Quantise", "image_shape", image_shape)
        if (bits is None) == (step is None):
            raise ValueError(f"Quantise: give bits or step, one of them; got {bits} and {step}")
        if bits is not None and (int(bits) != bits or not 1 <= bits <= 16):
            raise ValueError(f"Quantise: bits must be a whole number from 1 to 16, got {bits}")
        super().__init__(shape, shape)
        self.bounded = bits is not None
        width = 2 / (2 ** int(bits) - 1) if bits is not None else step
        self.step = parameter("Quantise", "step", width, low_allowed=False)  # pyright: ignore
        if isinstance(self.step, Tensor):
            raise ValueError("Quantise: step must be one number, not one per sample")

    def _forward(self, x: Tensor) -> Tensor:
        x = x.clamp(-1, 1) if self.bounded else x
        return rounded((x + 1) / self.step) * self.step - 1


def hdr(image_shape: Sequence[int], gain: Values = 2.0) -> Clip:
    """High dynamic range: clip(gain * x, -1, 1) (Mardani et al., 2023; DAPS)."""
    return Clip(image_shape, gain)


def gamma(image_shape: Sequence[int], gamma: Values = 2.2) -> Gamma:
    """A tone curve: brightness on [0, 1] to the power gamma."""
    return Gamma(image_shape, gamma)


def quantise(
    image_shape: Sequence[int], bits: int | None = None, step: float | None = None
) -> Quantise:
    """Few grey levels: 2^bits of them, or one every `step`."""
    return Quantise(image_shape, bits, step)
