"""Every nonlinear operator, small, for the shared harness. Add yours to NONLINEAR: that is all."""

import torch
from torch import nn

from operators import (
    JPEG,
    Blur,
    Clip,
    Gamma,
    Inpaint,
    Module,
    PhaseRetrieval,
    Quantise,
    WalshHadamard,
    kernels,
    masks,
    phase_retrieval,
)
from tests.operators.operator_cases import GREY, RGB, Cumulative


def _network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Softplus(), nn.Flatten())


def _blur(shape=RGB):
    return Blur(shape, kernels.gaussian(3, 0.8))


def _several():
    return torch.stack([masks.random(RGB, 0.5, seed)[None] for seed in (1, 2, 3)])


SMOOTH = {  # almost everywhere: their gradient is that of what they compute
    "phase": lambda: PhaseRetrieval(RGB),
    "phase odd": lambda: phase_retrieval(GREY, 3.0),
    "phase unpadded": lambda: PhaseRetrieval(RGB, 0.0),
    "phase intensity": lambda: PhaseRetrieval(RGB, intensity=True),
    "clip": lambda: Clip(RGB, 2.0),
    "clip per sample": lambda: Clip(RGB, [0.5, 1.0, 4.0]),
    "clip vector": lambda: Clip((7,), 2.0, -0.5, 0.25),
    "gamma": lambda: Gamma(RGB, 2.2),
    "gamma brighter": lambda: Gamma(RGB, 1 / 2.2),
    "gamma per sample": lambda: Gamma(GREY, torch.tensor([0.4, 1.0, 3.0])),
    "module": lambda: Module(_network(), RGB),
    "module without parameters": lambda: Module(nn.Tanh(), GREY, GREY),
    "linear outside": lambda: _blur() @ Gamma(RGB, 2.2),
    "linear inside": lambda: Clip(RGB, 2.0) @ _blur(),
    "mask outside": lambda: Inpaint(RGB, _several()) @ Gamma(RGB, 2.2),
    "third party inside": lambda: Clip((1, 3, 5), 0.5) @ Cumulative(),
    "three": lambda: PhaseRetrieval(RGB) @ _blur() @ Gamma(RGB, [0.5, 1.0, 2.0]),
}
STRAIGHT = {  # their gradient counts rounding as the identity
    "quantise": lambda: Quantise(RGB, bits=2),
    "quantise step": lambda: Quantise(GREY, step=0.3),
    "jpeg": lambda: JPEG((3, 16, 32), 30),
    "jpeg odd": lambda: JPEG((3, 9, 17), 50),
    "jpeg grey": lambda: JPEG((1, 8, 11), 20),
    "jpeg per sample": lambda: JPEG((3, 16, 16), [10, 50, 90]),
    "few bits of projections": lambda: Quantise((2, 13), bits=3) @ WalshHadamard((2, 8, 4), 0.4, 1),
}
NONLINEAR = SMOOTH | STRAIGHT


def picture(operator, seed=0, batch=None):
    """Seeded x in [-1, 1] and v that fit, in the operator's dtype."""
    b = batch if batch is not None else operator.batch or 3
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(b, *operator.in_shape, generator=generator, dtype=torch.float64) * 2 - 1
    v = torch.randn(b, *operator.out_shape, generator=generator, dtype=torch.float64)
    return x.to(operator.anchor), v.to(operator.anchor)
