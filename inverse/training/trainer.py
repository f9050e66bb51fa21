"""EDM-style training of a prior, resumable from its last checkpoint."""

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from inverse.priors.edm import EDMPrior, save_prior
from inverse.training.data import ImageSource, Patches
from inverse.training.validation import denoising_psnr

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        minutes: training time over all sessions; the learning rate follows its share spent.
        steps: end after so many steps even if time is left.
        batch, patch: patches per step and their side in pixels.
        rate, warmup, decay: peak learning rate of Adam, steps of linear warm-up, final share of
            the run in which the rate falls linearly to zero.
        average: decay of the exponential moving average of the weights.
        centre, spread: mean and standard deviation of log nsr (a normal law).
        uniform, low, high: share of patches whose log nsr is uniform in [low, high] instead, so
            that the prior sees the whole path of a sampler.
        every: minutes between checkpoints.
        clip: largest norm of the gradient.
        seed: of patches, noise and initial weights.
    """

    minutes: float = 90.0
    steps: int = 1_000_000
    batch: int = 8
    patch: int = 64
    rate: float = 8e-4
    warmup: int = 200
    decay: float = 0.4
    average: float = 0.999
    centre: float = -1.4
    spread: float = 1.2
    uniform: float = 0.25
    low: float = 0.002
    high: float = 80.0
    every: float = 5.0
    clip: float = 1.0
    seed: int = 0

    def rate_at(self, step: int, share: float) -> float:
        """The learning rate at a step, with a share in [0, 1] of the run spent."""
        return self.rate * min(1.0, (step + 1) / self.warmup, max(1 - share, 0.0) / self.decay)


def draw_nsr(count: int, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """log nsr of ``count`` patches (B,)."""
    normal = torch.randn(count, generator=generator) * recipe.spread + recipe.centre
    low, high = math.log(recipe.low), math.log(recipe.high)
    flat = torch.rand(count, generator=generator) * (high - low) + low
    return torch.where(torch.rand(count, generator=generator) < recipe.uniform, flat, normal)


def loss(prior: EDMPrior, x0: Tensor, log_nsr: Tensor, noise: Tensor) -> Tensor:
    """EDM's weighted denoising loss: mean squared error of the raw network (unit variance).

    Reference: Karras et al., 2022, arXiv:2206.00364, eq. 8.
    """
    nsr, data = log_nsr.exp().view(-1, 1, 1, 1), prior.sigma_data
    spread = (nsr**2 + data**2).sqrt()
    z = x0 + nsr * noise
    target = (x0 - z * (data**2 / spread**2)) * (spread / (nsr * data))
    return (prior.predict(z / spread, log_nsr) - target).square().mean()


class Trainer:
    """Trains ``prior`` in place; `run` yields a report after every checkpoint."""

    def __init__(
        self, prior: EDMPrior, recipe: Recipe, folder: str | Path, device: str = "cpu"
    ) -> None:
        from diffusers.training_utils import EMAModel

        self.prior, self.recipe, self.folder, self.device = prior, recipe, Path(folder), device
        prior.to(device).train()
        fused = device == "cpu" or device.startswith("cuda")
        self.adam = torch.optim.Adam(
            prior.parameters(), recipe.rate, betas=(0.9, 0.99), fused=fused
        )
        self.average = EMAModel(
            prior.parameters(), recipe.average, use_ema_warmup=True, inv_gamma=1.0, power=0.9
        )
        self.step, self.seconds = 0, 0.0
        self.checkpoint = self.folder / "last.pt"
        if self.checkpoint.is_file():
            self._resume()

    def run(self, images: ImageSource, validation: ImageSource | None = None) -> Iterator[dict]:
        """Train to the end of the recipe, yielding {step, minutes, loss, psnr...} reports."""
        recipe, done = self.recipe, self.step * self.recipe.batch
        stream = Patches(images, recipe.patch, recipe.seed, recipe.steps * recipe.batch)
        loader = DataLoader(
            stream, recipe.batch, sampler=range(done, len(stream)), num_workers=1, drop_last=True
        )
        running, saved, tick = math.nan, self.seconds, time.monotonic()
        for x0 in loader:
            share = max(self.seconds / 60 / recipe.minutes, self.step / recipe.steps)
            if share >= 1:
                break
            value = self._update(x0.to(self.device), share)
            now = time.monotonic()
            self.seconds, tick = self.seconds + now - tick, now
            running = value if math.isnan(running) else 0.98 * running + 0.02 * value
            if self.seconds - saved > 60 * recipe.every:
                saved = self.seconds
                yield self._report(running, validation)
                tick = time.monotonic()
        yield self._report(running, validation)

    def _update(self, x0: Tensor, share: float) -> float:
        recipe = self.recipe
        for group in self.adam.param_groups:
            group["lr"] = recipe.rate_at(self.step, share)
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + self.step)
        log_nsr = draw_nsr(len(x0), recipe, generator).to(x0.device)
        noise = torch.randn(x0.shape, generator=generator).to(x0.device)
        value = loss(self.prior, x0, log_nsr, noise)
        value.backward()
        nn.utils.clip_grad_norm_(self.prior.parameters(), recipe.clip)
        self.adam.step()
        self.adam.zero_grad()
        self.average.step(self.prior.parameters())
        self.step += 1
        return value.item()

    def _report(self, running: float, validation: ImageSource | None) -> dict:
        """Save a checkpoint and the averaged weights; score the latter."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "prior": self.prior.state_dict(),
            "adam": self.adam.state_dict(),
            "average": self.average.state_dict(),
        }
        partial = self.checkpoint.with_suffix(".tmp")
        torch.save(state, partial)
        partial.replace(self.checkpoint)
        report = {"step": self.step, "minutes": self.seconds / 60, "loss": running}
        self.average.store(self.prior.parameters())
        self.average.copy_to(self.prior.parameters())
        save_prior(self.prior, self.folder / "prior.safetensors")
        if validation is not None:
            self.prior.eval()
            report |= denoising_psnr(self.prior, validation, limit=12)
            self.prior.train()
        self.average.restore(self.prior.parameters())
        return report

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.prior.load_state_dict(state["prior"])
        self.adam.load_state_dict(state["adam"])
        self.average.load_state_dict(state["average"])
        self.step, self.seconds = state["step"], state["seconds"]
        log.info("resumed from step %d, %.1f minutes", self.step, self.seconds / 60)
