"""Distances between two sets of pictures, by the features of a network: FID and KID."""

import warnings
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from inverse.metrics.backbones import Unavailable
from operators.core import first_line

INCEPTION = "weights-inception-2015-12-05-6726825d.pth"
SITE = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
SUBSETS, SUBSET = 100, 1000  # of KID, as its authors draw them, or as many as there are pictures


class _Given(nn.Module):
    """Features in the place of the network that torchmetrics wants."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def fid(real: Tensor, fake: Tensor) -> float:
    """Frechet distance between normal laws fitted to two sets of features (N, D), (M, D).

    Biased upwards for few pictures: compare sets of one size only. torchmetrics'.

    Raises:
        ValueError: for fewer than two pictures in a set, or features of two widths.

    Reference: Heusel et al., 2017, arXiv:1706.08500.
    """
    _check("fid", real, fake)
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(feature=_Given(real.shape[1]))
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return float(metric.compute())


def kid(real: Tensor, fake: Tensor) -> float:
    """Squared MMD of the cubic kernel between two sets of features; unbiased, 0 in the mean for
    two sets of one law. torchmetrics', over 100 subsets that are the same in every call.

    Raises:
        ValueError: for fewer than two pictures in a set, or features of two widths.

    Reference: Binkowski et al., 2018, arXiv:1801.01401.
    """
    _check("kid", real, fake)
    from torchmetrics.image.kid import KernelInceptionDistance

    size = min(SUBSET, len(real), len(fake))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it will keep the features
        metric = KernelInceptionDistance(_Given(real.shape[1]), subsets=SUBSETS, subset_size=size)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return float(metric.compute()[0])


def _check(name: str, real: Tensor, fake: Tensor) -> None:
    shapes = tuple(real.shape), tuple(fake.shape)
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"{name}: features must be (N, D) and (M, D), got {shapes}")
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"{name}: needs two pictures or more in each set, got {shapes}")


class Features:
    """A feature network: uint8 pictures (B, 3, H, W) to (B, D).

    Args:
        source: a TorchScript file of such a network; the weights file of the Inception that FID
            is defined by (torch-fidelity's, 2048 features); or "inception": that file from
            torch's cache. Nothing is downloaded.

    Raises:
        Unavailable: naming the URL and the target path, or the missing package.
    """

    def __init__(self, source: str) -> None:
        path = Path(source).expanduser()
        if source == "inception":
            path = Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION
        if not path.is_file():
            raise Unavailable(
                f"features: no file {path}; fetch {SITE}{INCEPTION} to there, or name a "
                "TorchScript file of a network that takes uint8 pictures"
            )
        self.name = path.name
        self.network = _inception(path) if path.suffix == ".pth" else _script(path)

    @torch.no_grad()
    def __call__(self, pictures: Iterable[Tensor]) -> Tensor:
        """The features (N, D) of pictures (3, H, W), uint8, of any sizes, one after the other."""
        return torch.cat([self.network(picture[None]).reshape(1, -1) for picture in pictures])


def _script(path: Path) -> nn.Module:
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        reason = first_line(error)
        raise Unavailable(f"features: {path} is no TorchScript file ({reason})") from error


def _inception(path: Path) -> nn.Module:
    from torchmetrics.image.fid import NoTrainInceptionV3

    try:
        return NoTrainInceptionV3("inception-v3-compat", ["2048"], str(path))
    except ModuleNotFoundError as error:
        message = "features: Inception needs torch-fidelity: pip install torch-fidelity"
        raise Unavailable(message) from error
