"""`inverse restore` of a clip: window by window, frame by frame or as one."""

from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from inverse.apps.configuration import ConfigurationError, build
from inverse.apps.estimating import ESTIMATE, Unknown
from inverse.apps.progress import ProgressBar
from inverse.apps.requirements import sketched
from inverse.denoise import Denoiser, check
from inverse.images import ImageError, check_clip_target, clip_rate, is_clip, load_clip
from inverse.images.motion import estimated
from inverse.metrics import LPIPS
from inverse.priors import Frames
from inverse.priors.autoencoder import autoencoder_of
from inverse.priors.latent import VideoVAE
from inverse.restoring import Footage, Screening, filmed, recorded, suffix_like
from inverse.solving import Budget, NothingReady, Result, in_windows, ready, solve, windows
from inverse.starts import wiener
from operators import Problem, Rng

PICTURES_ALONE = ("bars", "range", "pages", "key", "dark", "flat", "absorbed", "restorer")


def is_asked(config: DictConfig) -> bool:
    """Whether a clip is to be restored: as said, or as its file tells.

    Raises:
        ConfigurationError: for what is for clips alone, beside pictures.
    """
    if is_clip(_source(config)) if config.clip is None else config.clip:
        return True
    told = [key for key in ("motion", "video") if config.solver.get(key) is not None]
    if told or config.get("time") is not None or config.frames is not None:
        raise ConfigurationError(
            f"time, frames, solver.motion and solver.video are for clips; {_source(config)} is "
            "none by its name: say clip=true where it holds the frames of one"
        )
    return False


class Filming:
    """A clip that is restored, window after window.

    Raises:
        ConfigurationError, ImageError, Unfit: for what does not fit, before a prior is loaded.
    """

    def __init__(self, config: DictConfig, device: str, budget: Budget) -> None:
        self.config, self.device, self.budget = config, torch.device(device), budget
        self.source, self.unknown = _source(config), Unknown(config)
        _check(config)
        self.solver, self.moving = config.solver.copy(), config.solver.get("motion") == ESTIMATE
        if self.moving:
            self.solver.motion = None
        self.video = config.solver.get("video")
        if self.video is not None:
            self.solver.video = None
        self.truth, self.footage = _footage(config, self.unknown)
        sampler = sketched(self.solver)
        self.whole = any(isinstance(part, Frames) for part in sampler.modules())
        if self.footage.time is not None and not self.whole:
            raise ConfigurationError(
                "time mixes frames, which this solver restores one by one; take "
                "solver=nested_video or lvtino, or leave out time"
            )
        self.frames, self.overlap = self.footage.shape[1], config.overlap if self.whole else 0
        spans = windows(self.frames, config.window, self.overlap)
        self.footage.check(spans)
        check(sampler.requires, self._problem(*spans[0])[0], "the solver")
        self.count, self.runs = len(spans), list[Result]()

    def restore(self) -> Tensor:
        """The clip (C, T, H, W), as far as it came."""
        told = {"channels": self.footage.shape[0]} if "grey" in self.config.prior else {}
        self.prior = build(self.config.prior, **told).to(self.device)
        self.given = {} if self.video is None else {"video": self._of_clips()}
        return in_windows(self._restored, self.frames, self.config.window, self.overlap)[0]

    def write(self, x: Tensor, lpips: LPIPS | None, missing: str | None, folder: Path) -> dict:
        """Write what `restore` gave; returns the metrics."""
        rate, suffix = clip_rate(self.source), suffix_like(self.source)
        truth = None if self.truth is None else self.truth[:, : x.shape[1]]
        files = Screening(
            self.footage, x, truth, self.runs, suffix, rate, lpips, missing, self.device
        )
        return files.write(folder, self.config.out)

    def _of_clips(self) -> Denoiser:
        """The solver's prior of clips, which must take every window."""
        prior = build(self.video).to(self.device)
        autoencoder = autoencoder_of(prior)
        if not isinstance(autoencoder, VideoVAE):
            raise ConfigurationError(
                "solver.video must be of clips, and this prior is of pictures; give the folder of "
                "a WanPipeline, as +prior@solver.video=latent solver.video.path=FOLDER"
            )
        for first, last in windows(self.frames, self.config.window, self.overlap):
            channels, _, *sides = self.footage.shape
            autoencoder.latent_shape((channels, last - first, *sides))
        return prior

    def _problem(self, first: int, last: int) -> tuple[Problem, list[int]]:
        part = self.footage.clip if self.whole else self.footage.pictures
        return part(first, last, self.device)

    def _restored(self, first: int, last: int) -> Tensor | None:
        """The frames of a window; None once the user, or the budget, has ended it."""
        limit = self._share()
        if self.runs and not self.runs[-1].finished and limit == Budget():
            return None
        problem, seeds = self._problem(first, last)
        make = partial(build(self.solver), **self.given, **self._motion(problem))
        planned = limit if self.config.plan else None
        sampler = ready(self.unknown.solver(make, problem), self.prior, planned).to(self.device)
        title = f"{self.footage.name} {first}-{last - 1}"
        with closing(ProgressBar(title, problem, limit, enabled=self.config.progress)) as bar:
            try:
                found = solve(sampler, problem, Rng(seeds, self.device), limit, watch=bar.watch)
            except NothingReady:
                if not self.runs:
                    raise
                return None
        result = found.to("cpu")
        self.runs.append(replace(result, x0=result.x0[:0]))
        return result.x0 if self.whole else result.x0.movedim(0, 1)[None]

    def _share(self) -> Budget:
        """What the next window may cost: its part of the seconds that are left."""
        seconds = self.budget.seconds
        if seconds is None:
            return self.budget
        left = seconds - sum(run.seconds for run in self.runs)
        return replace(self.budget, seconds=max(left, 1e-3) / (self.count - len(self.runs)))

    def _motion(self, problem: Problem) -> dict[str, Tensor]:
        """The motion in a first restoration, where it is to be estimated."""
        frames = problem.operator.in_shape[1]
        span = round(self.frames / len(self.footage.frames.problem))
        if not self.moving or frames <= span:
            return {}
        return {"motion": estimated(wiener(problem)[0], span)}


def _source(config: DictConfig) -> str:
    return config.image if config.measurement is None else config.measurement


def _check(config: DictConfig) -> None:
    """Raise for what is asked for that is not for clips."""
    given = [key for key in PICTURES_ALONE if config[key]] + ["samples"] * (config.samples > 1)
    if given:
        raise ConfigurationError(f"{given[0]} is for pictures; leave it out to restore a clip")
    if config.out is not None:
        check_clip_target(config.out)


def _footage(config: DictConfig, unknown: Unknown) -> tuple[Tensor | None, Footage]:
    """The truth, where it is known, and what was measured of it."""
    make, noise = unknown.operator, build(unknown.noise)
    mix = None if config.get("time") is None else partial(build, config.time)
    name = Path(_source(config)).stem
    read = partial(load_clip, frames=config.frames, channels=config.channels or 3)
    if config.measurement is None:
        clip = read(config.image, size=config.size)
        return filmed(make, mix, noise, name, clip, config.seed)
    y = read(config.measurement)
    footage = recorded(make, mix, noise, name, y, config.shape, config.seed)
    truth = None if config.truth is None else load_clip(config.truth, channels=footage.shape[0])
    if truth is not None and tuple(truth.shape) != footage.shape:
        raise ImageError(
            f"truth {config.truth}: is {tuple(truth.shape)}, the clip behind the measurement is "
            f"{footage.shape}"
        )
    return truth, footage
