"""Switches that make a prior's network cheaper: layout, compilation, small weights, reuse."""

import copy
from typing import Any

import torch
from torch import nn

from inverse.denoise import Prior
from inverse.priors.cheaper.reused import Reused
from inverse.priors.networked import NetworkPrior
from inverse.priors.swap import with_network

WEIGHTS = ("int8", "float8")


def faster(
    prior: NetworkPrior,
    *,
    channels_last: bool | None = None,
    weights: str | None = None,
    compile: bool = False,
    reuse: int = 1,
) -> Prior:
    """A copy of the prior with a cheaper network; the prior stays as it is.

    What each gains and costs on the bundled prior is measured by `python -m benchmarks.faster`.

    Args:
        prior: its own `precision` is a switch too.
        channels_last: layout of the convolutions' weights, which the pictures follow; the same
            function to rounding. False: contiguous; None: as they are (`EDMPrior`: True).
        weights: "int8" or "float8", of convolutions and linear layers, one scale per output
            channel (optimum-quanto, extra `quant`); for less memory, not for speed, and in
            precision float32 only. None: as they are.
        compile: `torch.compile` of the network alone, at the first call with each shape.
        reuse: deep features serve so many calls in a row, see `Reused`; 1: none.

    Raises:
        ValueError: for unknown weights (or other precision), reuse below 1, or a network that
            cannot be parted.
        ImportError: without optimum-quanto where weights are asked for.
    """
    if reuse < 1:
        raise ValueError(f"reuse must be 1 (none) or more, got {reuse}")
    network: Any = prior.network
    if channels_last is not None:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        network = copy.deepcopy(network).to(memory_format=layout)  # pyright: ignore
    if weights is not None:
        network = quantised(network, weights, prior.precision)
    if reuse > 1:
        return Reused(with_network(prior, network), reuse, compile)
    if compile:
        network = torch.compile(network)
    return with_network(prior, network)


def quantised(network: nn.Module, weights: str, precision: str) -> nn.Module:
    """A copy of the network with the weights of its convolutions and linear layers in 8 bits.

    Raises: as `faster`.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights must be one of {', '.join(WEIGHTS)} or null, got {weights!r}")
    if precision != "float32":
        raise ValueError(f"weights in 8 bits want precision float32, got {precision}")
    try:
        from optimum import quanto  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(
            "weights in 8 bits need optimum-quanto: pip install 'anytime-inverse[quant]'"
        ) from error
    small = copy.deepcopy(network)
    kinds = {"int8": quanto.qint8, "float8": quanto.qfloat8}
    quanto.quantize(small, weights=kinds[weights])
    quanto.freeze(small)
    return small.requires_grad_(False)
