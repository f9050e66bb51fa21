"""What is asked of the arguments of a walk, in words, before its first step."""

from itertools import chain

from torch import nn

from inverse.samplers.iterate import Iterate, State
from operators import Problem, Rng


def check_arguments(problem: Problem, rng: Rng, at: Iterate | State | None) -> None:
    """Raise TypeError or ValueError, with the way out, for what no walk can begin with."""
    if not isinstance(problem, Problem):
        raise TypeError(
            f"a sampler restores a Problem, got {_name(problem)}; make one by "
            "Problem(operator, noise, y) or measure(operator, noise, x, rng)"
        )
    if not isinstance(rng, Rng):
        raise TypeError(f"rng must be an Rng of one seed per image, as Rng([0]), got {rng!r}")
    if len(rng) != len(problem):
        raise ValueError(
            f"one seed per image: got {len(rng)} for a problem of {len(problem)}; "
            "problem.repeat(n) is that of n samples of each image"
        )
    if at is None:
        return
    if not isinstance(at, Iterate | State):
        raise TypeError(f"a walk begins at a State(x, level) or an Iterate, got {_name(at)}")
    count = len(at.x0 if isinstance(at, Iterate) else at.x)
    if count != len(problem):
        raise ValueError(f"cannot begin at {count} images for a problem of {len(problem)}")


def check_maker(kind: str, iterate: Iterate) -> None:
    """Raise ValueError for an iterate that a sampler of another kind made."""
    if iterate.by != kind:
        raise ValueError(
            f"this iterate is of {iterate.by or 'no sampler'}, not of {kind}; go on with the "
            "sampler that made it, or start from State(iterate.x, iterate.level)"
        )


def check_devices(
    sampler: nn.Module, problem: Problem, rng: Rng, at: Iterate | State | None
) -> None:
    """Raise ValueError unless all, and parts of the sampler, are on the problem's device."""
    home = problem.y.device
    own = {t.device for t in chain(sampler.parameters(), sampler.buffers())} or {home}
    lie = {"the problem": home, "the Rng": rng.device}
    lie |= {} if at is None else {"the state": at.x.device}
    if home in own and set(lie.values()) == {home}:
        return
    lie["the solver"] = min(own, key=str)
    where = ", ".join(f"{name} on {device}" for name, device in lie.items())
    raise ValueError(
        f"all must lie on one device, got {where}; move them by problem.to(device), "
        "Rng(seeds, device) and sampler.to(device)"
    )


def _name(thing: object) -> str:
    return getattr(thing, "__name__", type(thing).__name__)
