"""A small classifier of noisy pictures, trained in a minute: what class guidance asks for."""

import math
import os
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inverse.levels import Level
from inverse.training.data import ImageSource

CLASSES = ("Leopards", "Motorbikes", "airplanes", "sunflower", "watch")
WIDTHS, LOWEST, HIGHEST = (32, 64, 128, 128), 0.02, 40.0


class Classifier(nn.Module):
    """Logits (B, 5) of states (B, 3, H, W) at a level: four strided convolutions and a mean."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in zip((4, *WIDTHS[:-1]), WIDTHS, strict=True):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(8, b), nn.SiLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTHS[-1], len(CLASSES))

    def forward(self, x: Tensor, level: Level) -> Tensor:
        return self.logits(x / level.alpha, x.new_full((len(x),), level.nsr))

    def logits(self, z: Tensor, nsr: Tensor) -> Tensor:
        """Of ``z = x0 + nsr n``, one nsr per sample."""
        nsr = nsr.view(-1, 1, 1, 1)
        noise = (nsr.log() / 4).expand(-1, 1, *z.shape[2:])
        return self.head(
            self.features(torch.cat([z / (nsr**2 + 0.25).sqrt(), noise], 1)).mean((2, 3))
        )


def pictures(path: Path, side: int, most: int) -> tuple[Tensor, Tensor]:
    """Centre squares (N, 3, side, side) of the `CLASSES`, at most so many of each; labels (N,)."""
    source, images, labels = ImageSource(path), [], []
    for label, name in enumerate(CLASSES):
        of_class = [i for i, file in enumerate(source.names) if name in file.replace("__", "/")]
        for index in of_class[:most]:
            image = source.tensor(index)
            square = min(image.shape[1:])
            top, left = ((n - square) // 2 for n in image.shape[1:])
            image = image[None, :, top : top + square, left : left + square]
            images.append(F.interpolate(image, (side, side), mode="bicubic", antialias=True)[0])
            labels.append(label)
    return torch.stack(images), torch.tensor(labels)


@cache
def trained(seed: int, side: int = 64, steps: int = 250, batch: int = 48) -> Classifier:
    """A classifier trained from this seed on images at noise log-uniform in 0.02 to 40."""
    data = Path(os.environ["INVERSE_DATA"]) / "train" / "caltech101_train_s128.zip"
    images, labels = pictures(data, side, most=160)
    draws = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Classifier()
    weights = (1 / labels.bincount())[labels]
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05)
    decay = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.multinomial(weights, batch, True, generator=draws)
        x0 = torch.where(
            torch.rand(batch, 1, 1, 1, generator=draws) < 0.5, images[rows], images[rows].flip(3)
        )
        span = torch.rand(batch, generator=draws)
        nsr = (math.log(LOWEST) + span * math.log(HIGHEST / LOWEST)).exp()
        z = x0 + nsr.view(-1, 1, 1, 1) * torch.randn(x0.shape, generator=draws)
        loss = F.cross_entropy(net.logits(z, nsr), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
    return net.eval().requires_grad_(False)


def accuracy(net: Classifier, nsr: float, side: int = 64) -> float:
    """On the validation images, noisy, the mean over the classes."""
    data = Path(os.environ["INVERSE_DATA"]) / "eval" / "caltech101_val500_64.zip"
    images, labels = pictures(data, side, most=100)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    right = net(images + nsr * noise, Level(1.0, nsr)).argmax(1) == labels
    return float(torch.stack([right[labels == k].float().mean() for k in labels.unique()]).mean())
