"""Training of a prior, by one process or several, resumable from its last checkpoint."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from inverse.priors import EDMPrior, save_prior
from inverse.training.data import DecodedImages, ImageSource
from inverse.training.loss import Draws, Loss, draws
from inverse.training.muon import optimisers
from inverse.training.patches import Patch, Patches
from inverse.training.recipe import Recipe
from inverse.training.team import Shares, gather, share
from inverse.training.validation import denoising_psnr

log = logging.getLogger(__name__)


class Trainer:
    """Trains `prior` in place; `run` yields a report after every checkpoint.

    A step depends on its number, the recipe and the images alone, so that a run that was broken
    off goes on, from its last checkpoint, exactly as it would have (where `steps`, not
    `minutes`, set its learning rate). Several processes (`gather`) share each batch; the first
    of them writes and reports. On a GPU no step waits for the device; `workers` processes read
    and cut the patches. A network that is informed of measurements is told what `tell` makes of
    the patches (`Telling`), whose numbers in the step are given.

    Raises:
        ValueError: for patches of another size than the prior's own, or a batch that the processes
            cannot share equally, or an informed network that is told nothing.
    """

    def __init__(
        self,
        prior: EDMPrior,
        recipe: Recipe,
        folder: str | Path,
        device: str = "cpu",
        workers: int = 1,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[Tensor, int, range], Tensor] | None = None,
    ) -> None:
        from diffusers.training_utils import EMAModel

        if prior.shape is not None and prior.shape[1] != recipe.patch:
            raise ValueError(
                f"recipe.patch={recipe.patch}: this network is for pictures of {prior.shape[1]} "
                "pixels; give both the same size"
            )
        if prior.extra and tell is None:
            raise ValueError(
                f"this network is informed by {', '.join(prior.config['informed'])}: give tell="
            )
        self.team = gather(device)
        self.prior, self.recipe, self.folder = prior, recipe, Path(folder)
        self.clock, self.workers, self.tell = clock, workers, tell
        self.device = self.team.device
        prior.to(self.device).train()
        self.loss = self.team.join(Loss(prior))
        fused = self.device.startswith(("cpu", "cuda"))
        self.optimisers = optimisers(prior, recipe.rate, recipe.muon, fused)
        self.average = EMAModel(
            prior.parameters(), recipe.average, use_ema_warmup=True, inv_gamma=1.0, power=0.9
        )
        self.step, self.seconds = 0, 0.0
        self.running = torch.tensor(math.nan, device=self.device)
        self.checkpoint = self.folder / "last.pt"
        if self.checkpoint.is_file():
            self._resume()

    def run(
        self, images: Sequence[ImageSource | DecodedImages], validation: ImageSource | None = None
    ) -> Iterator[dict]:
        """Train to the end of the recipe, yielding {step, minutes, loss, psnr...} reports.

        Patches come from all sources of `images` alike.
        """
        recipe = self.recipe
        count, classes = recipe.steps * recipe.batch, self.prior.config["classes"]
        stream = Patches(
            images,
            recipe.patch,
            recipe.seed,
            count,
            recipe.whole,
            classes,
            recipe.rescale,
            recipe.flat,
        )
        order = Shares(self.step, recipe.steps, recipe.batch, self.team)
        saved, tick = self.seconds, self.clock()
        pinned = self.device.startswith("cuda")
        for patch in DataLoader(
            stream, batch_sampler=order, num_workers=self.workers, pin_memory=pinned
        ):
            spent = max(self.seconds / 60 / recipe.minutes, self.step / recipe.steps)
            if spent >= 1:
                break
            value, before = self.team.mean(self._update(patch, spent)), self.running
            self.running = torch.where(before.isnan(), value, before.lerp(value, 0.02))
            if self.step % self.team.every == 0 or self.step == recipe.steps:
                now = self.clock()
                self.seconds, tick = self.team.agreed(self.seconds + now - tick), now
            if self.seconds - saved > 60 * recipe.every:
                saved = self.seconds
                yield from self._report(validation)
                tick = self.clock()
        yield from self._report(validation)

    def _update(self, patch: Patch, spent: float) -> Tensor:
        recipe = self.recipe
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate_at(self.step, spent)
        own = share(recipe.batch, self.team)
        drawn = [d[own.start : own.stop] for d in draws(self.step, recipe)]
        log_nsr, noise, unlabelled = Draws(*map(self._there, drawn))
        none = len(self.prior.config["classes"])
        labels = self._there(patch.label).masked_fill(unlabelled, none)
        x0 = self._there(patch.x0)
        told = self.tell and self.tell(x0, self.step, own)
        value = self.loss(x0, log_nsr, noise, labels, told)
        value.backward()
        nn.utils.clip_grad_norm_(self.prior.parameters(), recipe.clip)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        self.average.step(self.prior.parameters())
        self.step += 1
        return value.detach()

    def _there(self, given: Tensor) -> Tensor:
        """The tensor on the device: to a GPU from pinned memory, which nobody waits for."""
        if not self.device.startswith("cuda"):
            return given.to(self.device)
        return given.pin_memory().to(self.device, non_blocking=True)

    def _report(self, validation: ImageSource | None) -> Iterator[dict]:
        """Save a checkpoint and the averaged weights; score the latter. The first process only."""
        if self.team.rank == 0:
            self._save()
            report = {"step": self.step, "minutes": self.seconds / 60, "loss": float(self.running)}
            self.average.store(self.prior.parameters())
            self.average.copy_to(self.prior.parameters())
            save_prior(self.prior, self.folder / "prior.safetensors")
            if validation is not None:
                self.prior.eval()
                report |= denoising_psnr(self.prior, validation, limit=12)
                self.prior.train()
            self.average.restore(self.prior.parameters())
            yield report
        self.team.wait()

    def _save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "running": float(self.running),
            "prior": self.prior.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "average": self.average.state_dict(),
        }
        partial = self.checkpoint.with_suffix(".tmp")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.prior.load_state_dict(state["prior"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.average.load_state_dict(state["average"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.running.fill_(state.get("running", math.nan))
        log.info("resumed from step %d, %.1f minutes", self.step, self.seconds / 60)
