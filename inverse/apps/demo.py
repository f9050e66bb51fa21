"""`inverse demo`: a page in the browser that restores, step by step."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Lock

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from inverse.apps.configuration import FOLDER, ConfigurationError, build
from inverse.apps.device import pick_device
from inverse.apps.job import HydraJob
from inverse.apps.values import Count, Name
from inverse.demo.choices import Menu
from inverse.demo.line import Line
from inverse.demo.recipe import RestorationRecipe
from inverse.demo.sessions import Sessions, Workshop
from inverse.demo.uploads import Limits
from inverse.denoise import Prior
from inverse.restoring import photographs, simulations
from inverse.solving import Budget, ready
from operators import Rng

COMPOSING = Lock()  # Hydra composes one configuration at a time
FILES = ("image", "operator.mask")  # keys of files that are looked for in a run's folder


class Values:
    """What may stand in conf/demo.yaml."""

    host: Name
    port: Count | None
    open: bool
    device: str
    limits: Limits
    degradations: dict
    sizes: Sequence[Count]
    size: Count
    solvers: dict


def run(config: DictConfig) -> None:
    try:
        from inverse.demo.page import serve
    except ImportError as error:
        raise ConfigurationError(
            f"the page needs the extra demo ({error}): pip install 'anytime-inverse[demo]'"
        ) from error
    device = pick_device(config.device)
    prior = build(config.prior).to(device)
    words = [
        shlex.quote(w)
        for w in HydraConfig.get().overrides.task
        if w.split("=")[0].split(".")[0] == "prior"
    ]
    menu = Menu.read(OmegaConf.to_container(config), words)  # pyright: ignore[reportArgumentType]
    line = Line(menu.limits.waiting)
    sessions = Sessions(Workshop(menu, partial(recipe, prior, device), line))
    try:
        serve(sessions, config.host, config.port, open_browser=config.open)
    finally:
        sessions.close()
        line.close()


def recipe(prior: Prior, device: str, words: Sequence[str], folder: Path) -> RestorationRecipe:
    """What `inverse restore WORDS` would do in `folder`, with a prior that is loaded."""
    with COMPOSING, initialize_config_dir(str(FOLDER), version_base="1.3"):
        config = compose("restore", shlex.split(" ".join(words)))
    shown = OmegaConf.to_yaml(config)
    for key in FILES:
        path = folder / str(OmegaConf.select(config, key))
        if path.is_file():
            OmegaConf.update(config, key, str(path))
    make, noise = partial(build, config.operator), build(config.noise)
    (made,) = simulations(make, noise, photographs(config.image), config.size, config.seed).values()
    (truth, case), budget = made(), Budget(**config.budget)
    many, seeds = case.samples(config.samples, device)
    sampler = ready(build(config.solver), prior, budget if config.plan else None).to(device)
    return RestorationRecipe(truth[0], many, sampler, Rng(seeds, device), budget, shown)


def main() -> None:
    """The app's entry point."""
    HydraJob(run, "demo", Values).run()
