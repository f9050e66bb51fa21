"""LPIPS, with its backbone from a file, the cache or a download; PSNR, SSIM and LPIPS at once."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from inverse.images import to_unit
from inverse.metrics.backbones import Unavailable, find_weights, read_weights
from inverse.metrics.fidelity import SSIM_WINDOW, psnr, same_shape, ssim

SMALLEST_SIDE = {"alex": 31, "squeeze": 17, "vgg": 16}  # below it a pooling layer has no input


class LPIPS(nn.Module):
    """Learned perceptual image patch similarity, version 0.1, (B,); lower is closer.

    Sum over layers of the spatial mean of w_l * (f_l(x) - f_l(ref))^2, with f_l the backbone's
    features scaled to unit length at each position. Inputs (B, 3, H, W) in [-1, 1], clamped;
    (B, 1, H, W) is repeated to three channels. Build it once and call it often.

    `weights` is a file (.npz or torchvision's .pth) or a folder with one; without it the places
    listed in `find_weights` are searched, and the network is asked only if `download` is true.
    Linear heads come from the file where it has them (`linK.weight`), else from the package.

    Raises:
        Unavailable: when no backbone can be had (report the measure as missing).
        ValueError: for an unknown network, differing shapes, or images below `SMALLEST_SIDE`.

    Reference: Zhang et al., 2018, arXiv:1801.03924.
    """

    def __init__(
        self, net: str = "alex", weights: str | Path | None = None, *, download: bool = False
    ) -> None:
        super().__init__()
        if net not in SMALLEST_SIDE:
            raise ValueError(f"LPIPS: net must be one of {', '.join(SMALLEST_SIDE)}, got {net!r}")
        self.net, self.smallest = net, SMALLEST_SIDE[net]
        path = find_weights(net, weights, download)
        self.model = _fill(_empty_model(net), read_weights(net, path), path)

    @torch.no_grad()
    def forward(self, x: Tensor, ref: Tensor) -> Tensor:
        same_shape("LPIPS", x, ref)
        self.check(x.shape)
        x, ref = (2 * to_unit(v.float()).expand(-1, 3, -1, -1) - 1 for v in (x, ref))
        return self.model(x, ref).reshape(-1)

    def check(self, shape: Sequence[int]) -> None:
        """Raise ValueError where it cannot compare images of a shape, (B, C, H, W)."""
        if min(shape[-2:]) < self.smallest or shape[1] not in (1, 3):
            raise ValueError(
                f"LPIPS({self.net}): images must be (B, 1 or 3, H, W) with sides of at least "
                f"{self.smallest}, got {tuple(shape)}; leave LPIPS out for them"
            )


def _empty_model(net: str) -> nn.Module:
    """The package's network with its own linear heads and no trained backbone, frozen.

    pnet_rand keeps torchvision from downloading; the caller's random state is left as it was.
    """
    try:
        import lpips
    except ImportError as error:
        line = f"LPIPS: the lpips package cannot be imported ({error}); pip install lpips"
        raise Unavailable(line) from error
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    return model.eval().requires_grad_(False)


def _fill(model: nn.Module, given: dict[str, Tensor], path: Path) -> nn.Module:
    """Copy the backbone, which must be there in full, and the linear heads, which may be."""
    state = model.state_dict()
    for name, old in state.items():
        key = _source(name)
        new = given.get(key)
        if new is None and not key.startswith("features."):
            continue
        if new is None or new.numel() != old.numel():
            line = f"LPIPS: {path} does not fit at {key}; give the weights made for this network"
            raise Unavailable(line)
        state[name] = new.reshape(old.shape)
    model.load_state_dict(state)
    return model


def _source(name: str) -> str:
    """The package's parameter name -> the name in the weight files."""
    part, _, rest = name.partition(".")
    if part == "net":  # net.sliceK.N.weight is torchvision's features.N.weight
        return "features." + rest.partition(".")[2]
    if part == "lins":  # the heads stand twice in the package: linK.model.1 and lins.K.model.1
        return f"lin{rest.partition('.')[0]}.weight"
    return f"{part}.weight" if part.startswith("lin") else name


def score(x: Tensor, ref: Tensor, lpips: LPIPS | None = None) -> dict[str, list[float]]:
    """{"psnr": [...], "ssim": [...]} and, with a network, "lpips": [...]; one number per sample.

    `x` and `ref` are (B, 3, H, W) in [-1, 1]. Without a network the key "lpips" is absent, and so
    is that of a measure whose windows do not fit into images this small: a measure that cannot be
    had is missing, never a number.
    """
    values, side = {"psnr": psnr(x, ref)}, min(x.shape[-2:])
    if side >= SSIM_WINDOW:
        values["ssim"] = ssim(x, ref)
    if lpips is not None and side >= lpips.smallest:
        values["lpips"] = lpips(x, ref)
    return {name: value.tolist() for name, value in values.items()}
