"""FFDNet for colour images, as a denoiser for plug-and-play methods and as a prior."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad, pixel_shuffle, pixel_unshuffle

from inverse.denoise import Prior
from inverse.levels import Level
from operators.solve import column

WIDTH, DEPTH, CHANNELS = 96, 12, 3
PLACE = Path("weights") / "denoisers" / "ffdnet_color.pth"
SOURCE = "https://github.com/cszn/KAIR/releases/download/v1.0/ffdnet_color.pth"


class FFDNet(nn.Module):
    """x, σ -> an estimate of the clean image, for white Gaussian noise of known level.

    The image is folded 2x2 into channels, a plane of σ is laid beside it, twelve 3x3
    convolutions of width 96 give the clean image at once. Borders: an odd side is extended by
    repetition. Trained for σ up to 75/255 on [0, 1], that is 0.59 in [-1, 1] units.

    Reference: Zhang, Zuo and Zhang, 2018, arXiv:1710.04026; architecture and weights of KAIR.
    """

    def __init__(self) -> None:
        super().__init__()
        folded = 4 * CHANNELS
        widths = [folded + 1] + [WIDTH] * (DEPTH - 1) + [folded]
        layers: list[nn.Module] = []
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True)]
        self.model = nn.Sequential(*layers[:-1])

    @torch.no_grad()
    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1], not clamped; sigma in [-1, 1] units.

        A float, one per image, (B,), or one per value, (B, 3, H, W) of even sides, of which the
        mean variance of 2x2 pixels is told.
        """
        height, width = x.shape[-2:]
        unit = pad((x + 1) / 2, (0, width % 2, 0, height % 2), mode="replicate")
        folded = pixel_unshuffle(unit, 2)
        if isinstance(sigma, Tensor) and sigma.ndim == 4:
            told = avg_pool2d(sigma.square().mean(1, keepdim=True), 2).sqrt()
        else:
            told = column(sigma, folded)
        level = torch.ones_like(folded[:, :1]) * told / 2
        clean = pixel_shuffle(self.model(torch.cat([folded, level], dim=1)), 2)
        return 2 * clean[..., :height, :width] - 1


def load_ffdnet(path: str | Path | None = None) -> FFDNet:
    """Read the colour weights, by default from $INVERSE_DATA/weights/denoisers/.

    Raises: FileNotFoundError, with the address to fetch them from, when they are not there.
    """
    data = os.environ.get("INVERSE_DATA", "")
    file = Path(path) if path is not None else Path(data) / PLACE
    if not file.is_file():
        raise FileNotFoundError(
            f"FFDNet: no weights at {file}; set INVERSE_DATA to the data folder, "
            f"or fetch {SOURCE} there"
        )
    net = FFDNet()
    net.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return net.eval().requires_grad_(False)


class FFDNetPrior(Prior):
    """FFDNet behind a prior's interface, for levels up to 0.59 and no gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.net = load_ffdnet()

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        return self.net(x / level.alpha, level.nsr)
