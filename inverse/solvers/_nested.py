"""Ours: a nested split sampler, viable after its first outer step and better after each."""

from inverse.denoise import Conditioned, Denoiser, Equivariant, Prepared, Prior, Transition
from inverse.levels import Grid, Growing, Walk
from inverse.priors import Between
from inverse.samplers import Coarse, Nested, Process
from inverse.starts import Start, WienerStart
from inverse.steps import Prox
from inverse.transitions import DDIM, Anneal, Turned


def nested(
    prior: Prior,
    *,
    outer_steps: int = 9,
    inner_least: int = 1,
    inner_most: int = 3,
    outer_start: float = 0.3,
    inner_most_from: float = 0.2,
    outer_end: float = 0.05,
    inner_end: float = 0.05,
    lam: float = 0.18,
    start_temperature: float = 0.0,
    outer_temperature: float = 1.0,
    inner_zeta: float = 0.8,
    inner_eta: float | None = None,
    data_first: bool = False,
    equivariant: bool = True,
    quarter_above: float | None = None,
    half_above: float | None = None,
) -> Process:
    """An outer annealing whose denoiser is a whole inner restoration by operator splitting.

    Outer, from a Wiener restoration with `start_temperature sigma n` upon it:
    `x <- R(x) + outer_temperature sigma n` over `outer_steps` levels sigma, from
    `outer_start` to `outer_end`. R, the inner chain, walks from sigma down to `inner_end` in
    `inner_least` network calls at `outer_start`, growing as a power of sigma to `inner_most`
    from `inner_most_from` down, and alternates the prior and the data (half-quadratic splitting):
    `x0 = D(x, s)`, `x0' = argmin ||y - A x||^2 + lam sigma_y^2 / s^2 ||x - x0||^2`,
    `x <- x0' + s' (sqrt(inner_zeta) n - sqrt(1 - inner_zeta) noise)` with the noise that the state
    has beside x0' (`Turned`). Each outer step ends clean: a viable restoration.

    With `inner_eta`, in place of `inner_zeta`, the inner walk keeps its state's noise:
    `x <- DDIM(x, x0')` of that stochasticity. At 1, with a larger `lam`, it samples where fresh
    noise searches: it invents what a blur took (`nested_sharp`), which fresh noise leaves smooth,
    and is worse at finding what other pixels tell (inpainting, sensing).

    With `data_first` the order is turned round, `x0' = D(argmin ..., s)`: smoother, as the
    measurement's noise is not put back. `equivariant` turns and flips the network at random.

    Outer steps from levels above `quarter_above` are made at a quarter of the side, then those
    above `half_above` at half of it (`Coarse`), their inner walks of as many calls as they would
    have had: the first restoration comes sixteen times sooner (`nested_coarse`). None: never, as
    where the sides do not divide by 4 or 2.

    Mostly fresh noise gives a posterior-like sample (`nested`, perceptual), noise that is turned
    round a point estimate (`nested_mean`, distortion). One call inside and every temperature 1 make
    the plain chain, not nested (`plain`). Linear operators; no backward pass.

    Reference: Elata et al., 2023, arXiv:2305.19066 (nesting); Zhang et al., 2021,
    arXiv:2008.13751 (half-quadratic splitting; lam = 0.23 there). The defaults were chosen on
    McMaster images (benchmarks/README.md).
    """
    step, network = Prox(lam), Equivariant(prior) if equivariant else prior
    denoiser = Prepared(step, network) if data_first else Conditioned(network, step)
    inside, outside = walks(
        outer_steps, inner_least, inner_most, outer_start, inner_most_from, outer_end, inner_end
    )
    flow: Transition = Turned(inner_zeta) if inner_eta is None else DDIM(inner_eta)

    def inner(factor: int) -> Denoiser:
        return Nested(Process(denoiser, flow, inside.shrunk(factor)))

    estimates = inner(1)
    for factor, above in ((2, half_above), (4, quarter_above)):
        if above is not None:
            estimates = Between(estimates, Coarse(inner(factor), factor), high=above)
    begin = WienerStart(start_temperature)
    return Process(estimates, Anneal(outer_temperature), outside, start=begin)


def walks(
    outer_steps: int,
    inner_least: int,
    inner_most: int,
    outer_start: float,
    inner_most_from: float,
    outer_end: float,
    inner_end: float,
) -> tuple[Growing, Walk]:
    """The levels inside an outer step, and those of the outer steps; see `nested`."""
    inside = Growing(
        inner_least, inner_most, top=outer_start, bottom=inner_most_from, end=inner_end
    )
    return inside, Grid(outer_steps, start=outer_start, end=outer_end, spacing="log")


def nest(
    denoiser: Denoiser,
    inside: Walk,
    inner: Transition,
    outside: Walk,
    outer: Transition,
    start: Start,
) -> Process:
    """A process over `outside` whose denoiser is a process over `inside`."""
    return Process(Nested(Process(denoiser, inner, inside)), outer, outside, start=start)
