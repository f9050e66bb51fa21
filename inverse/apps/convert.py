"""`inverse convert`: a paper's checkpoint as a diffusers folder, to be used as a prior."""

import sys

from omegaconf import DictConfig

from inverse.apps.configuration import ConfigurationError
from inverse.apps.job import HydraJob
from inverse.apps.values import Count, Name
from inverse.benchmarking.commands import quoted


class Values:
    """What may stand in conf/convert.yaml."""

    source: Name | None
    target: Name | None
    size: Count
    head_channels: Count | None
    heads: Count | None
    attention: str
    betas: str
    steps: Count


def run(config: DictConfig) -> None:
    from inverse.priors.checkpoints import convert

    for name in ("source", "target"):
        if config[name] is None:
            raise ConfigurationError(f"{name} is missing: inverse convert SOURCE TARGET")
    folder = convert(**{str(key): value for key, value in config.items()})
    print(f"{config.source} -> {folder}: prior=diffusers prior.path={folder}")


def main() -> None:
    """The app's entry point: the two paths may be given bare, as for `cp`."""
    sys.argv[1:] = overrides(sys.argv[1:])
    HydraJob(run, "convert", Values).run()


def overrides(arguments: list[str]) -> list[str]:
    """The arguments with the bare paths named.

    Raises:
        ConfigurationError: for more than two of them.
    """
    paths = [a for a in arguments if "=" not in a and not a.startswith("-")]
    if len(paths) > 2:
        raise ConfigurationError(f"give SOURCE and TARGET, got {' '.join(paths)}")
    named = {path: f"{key}={quoted(path)}" for key, path in zip(KEYS, paths, strict=False)}
    return [named.get(argument, argument) for argument in arguments]


KEYS = ("source", "target")
