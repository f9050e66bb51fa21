"""Any network as a prior."""

import math
from collections.abc import Sequence
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inverse.denoise import Prior
from inverse.levels import Level
from inverse.priors.contract import (
    ask,
    check_label,
    configuration,
    is_of_diffusers,
    multiple_of,
    weights_dtype,
)
from inverse.priors.fitting import fit
from inverse.priors.parametrisation import Parametrisation, expect
from inverse.priors.swap import sharing

PRECISIONS = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class NetworkPrior(Prior):
    """A network F as a prior on any path: `D(x) = skip x + out F(into x, time)`.

    The coefficients and the time are those of its parametrisation. A network of images in other
    limits, `u = c x0 + m`, is asked at the state `c x + alpha m` of the level
    `(alpha, c sigma)`.

    Args:
        network: called as `network(z, t)` on (B, C, H, W), t (B,) float, with labels (B,) third
            where there is a label; or as diffusers' are, `network(z, t, return_dict=False)[0]`
            with `class_labels`. Of 2 C channels the latter half, a variance, is dropped.
        parametrisation: `EDM`, `Velocity` or `Scheduled`.
        shape: (C, H, W) that it is bound to, or None.
        precision: of the network alone: "float32", "bf16" or "fp16" (autocast).
        label: the class it is asked for, by number.
        clip: x0 is cut to [-clip, clip]; None: not at all.
        limits: the values of black and white in the images it knows.
        multiple: sides that are no multiple of it are padded by replication; 1: none is, and those
            that a network of diffusers does not take are refused.

    Raises:
        ValueError: for an unknown precision, limits that do not ascend, or a label that a network
            of diffusers lacks or asks for. Unfit, when called: for channels or sides that the
            network is known not to take.
    """

    def __init__(
        self,
        network: nn.Module,
        parametrisation: Parametrisation,
        shape: tuple[int, ...] | None = None,
        precision: str = "float32",
        label: int | str | None = None,
        clip: float | None = None,
        limits: Sequence[float] = (-1.0, 1.0),
        multiple: int = 1,
    ) -> None:
        super().__init__()
        expect("precision", precision, tuple(PRECISIONS))
        if len(limits) != 2 or not limits[0] < limits[1]:
            raise ValueError(f"prior: limits must be two numbers that ascend, got {list(limits)}")
        self.network, self.parametrisation, self.shape = network, parametrisation, shape
        self.precision, self.clip, self.multiple = precision, clip, multiple
        self.limits, self.theirs = tuple(limits), is_of_diffusers(network)
        self.channels = shape[0] if shape else configuration(network).get("in_channels")
        self.step = multiple_of(network) if multiple == 1 else 1
        self.label = self._number(label)

    def labelled(self, label: int | str | None) -> Self:
        """The same network asked for another class, or for none; shared, not copied."""
        other = sharing(self)
        other.label = self._number(label)
        return other

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        fit(x, self.channels, self.step)
        black, white = self.limits
        if (black, white) == (-1, 1):
            x0 = self._estimate(x, level)
        else:
            half, middle = (white - black) / 2, (white + black) / 2
            own = Level(level.alpha, half * level.sigma)
            x0 = (self._estimate(half * x + level.alpha * middle, own) - middle) / half
        return x0 if self.clip is None else x0.clamp(-self.clip, self.clip)

    def output(self, z: Tensor, time: Tensor, labels: Tensor | None = None) -> Tensor:
        """The raw network F, in the precision of its input z (B, C, H, W).

        A state in float64 goes through a float32 network in float32, and on in float64. Under
        autocast it is float32, whatever the weights are held in.

        Args:
            time: (B,), or what else the network is told. labels: numbers of classes (B,), the
                prior's own where not given; or what else the network takes third.
        """
        dtype = PRECISIONS[self.precision]
        own = weights_dtype(self.network, z) if dtype is None else torch.float32
        if labels is None and self.label is not None:
            labels = torch.full((len(z),), self.label, dtype=torch.long, device=z.device)
        with torch.autocast(z.device.type, dtype, enabled=dtype is not None):
            out = ask(self.network, z.to(own), time, labels, self.theirs)
        return out.to(z.dtype)

    def _estimate(self, x: Tensor, level: Level) -> Tensor:
        skip, out, into = self.parametrisation.coefficients(level)
        raw = self._raw(self._padded(x * into), math.log(level.nsr))
        return (x * skip).add_(raw[..., : x.shape[-2], : x.shape[-1]], alpha=out)

    def _padded(self, z: Tensor) -> Tensor:
        """z (B, C, H, W) with sides that are multiples of `multiple`."""
        height, width = z.shape[-2:]
        right, down = -width % self.multiple, -height % self.multiple
        return F.pad(z, (0, right, 0, down), mode="replicate") if right or down else z

    def _raw(self, z: Tensor, log_nsr: float) -> Tensor:
        return self.output(z, z.new_full((len(z),), self.parametrisation.condition(log_nsr)))

    def _number(self, label: int | str | None) -> int | None:
        if isinstance(label, str):
            raise ValueError(f"prior: label must be a number, got {label!r}")
        check_label(self.network, label)
        return label


def held(network: nn.Module, precision: str) -> None:
    """Hold the weights of convolutions and linear layers in `precision`, to evaluate only.

    Autocast, which the network still runs under, would round the same weights anew at every call.
    """
    if (dtype := PRECISIONS[precision]) is not None:
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                module.to(dtype)
