"""DISTS through torchmetrics, with its backbone from where LPIPS finds its own."""

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import torch
from torch import Tensor, nn

from inverse.images import to_unit
from inverse.metrics.backbones import Unavailable, find_weights, read_weights
from inverse.metrics.fidelity import same_shape


class DISTS(nn.Module):
    """Deep image structure and texture similarity, (B,); 0 for equal images, lower is closer.

    torchmetrics' network and its trained weights of the terms, over VGG-16. Inputs (B, 3, H, W)
    in [-1, 1], clamped, scored at their own size (the authors' script shrinks the shorter side to
    256 pixels first). `weights`: torchvision's file or a folder with it, as `LPIPS`.

    Raises:
        Unavailable: when VGG-16's weights cannot be had.
        ValueError: for differing shapes.

    Reference: Ding et al., 2020, arXiv:2004.07728.
    """

    smallest = 16

    def __init__(self, weights: str | Path | None = None) -> None:
        super().__init__()
        try:
            path = find_weights("vgg", weights)
            given = read_weights("vgg", path)
        except Unavailable as error:
            raise Unavailable(f"DISTS needs the backbone of {error}") from error
        self.model = _empty_network().eval().requires_grad_(False)
        own = self.model.state_dict()
        for name in own:
            stage, _, rest = name.partition(".")
            if stage.startswith("stage") and not rest.endswith("filter"):
                if f"features.{rest}" not in given:
                    raise Unavailable(f"DISTS: {path} lacks features.{rest}; give VGG-16's weights")
                own[name] = given[f"features.{rest}"]
        self.model.load_state_dict(own)

    @torch.no_grad()
    def forward(self, x: Tensor, ref: Tensor) -> Tensor:
        same_shape("DISTS", x, ref)
        x, ref = (to_unit(v.float()).expand(-1, 3, -1, -1) for v in (x, ref))
        return self.model(x, ref).reshape(-1)


def _empty_network() -> nn.Module:
    """The library's network over an untrained backbone: it would download one by itself."""
    from torchmetrics.functional.image import dists
    from torchvision.models.vgg import cfgs, make_layers

    with torch.random.fork_rng(devices=[]):
        plain = SimpleNamespace(features=make_layers(cfgs["D"]))
        with patch.object(dists, "vgg16", lambda weights: plain):
            return dists.DISTSNetwork()
