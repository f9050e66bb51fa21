"""FlowDPS: flow-driven posterior sampling."""

from inverse.denoise import Conditioned, Memory, Move, Prior, Transition
from inverse.samplers import Process, Sampler, decoded, flow_grid
from inverse.steps import Descend
from inverse.transitions.ddim import renoise


class Mix(Transition):
    """``x_b = alpha_b x0 + sigma_b (sqrt(t) noise + sqrt(1 - t) n)``, t the flow's time of level b.

    Fresh noise towards the end, the flow's own at the start. Reference: Kim et al., 2025,
    arXiv:2503.08136, Alg. 1.
    """

    def step(self, move: Move, memory: Memory) -> tuple:
        alpha, sigma = move.b
        return renoise(move.est, move.b, alpha / (alpha + sigma), move.rng), memory


def flowdps(
    prior: Prior,
    *,
    steps: int = 28,
    iterations: int = 3,
    rate: float = 15.0,
    shift: float = 4.0,
) -> Sampler:
    """Move the clean end of the flow to the data, mix the noisy one, and go on between them.

    ``x0 = x - t v``, ``x1 = x + (1 - t) v``; x0' by ``iterations`` gradient steps on
    ``||y - A D(x0)||`` (see `Descend`); ``x_u = (1 - u) x0' + u (sqrt(u) x1 + sqrt(1 - u) n)`` at
    the next time u. D is the decoder of a latent prior. Any differentiable operator, no backward
    pass through the network. For flows, but any prior serves: the state is rescaled to its path.

    Reference: Kim et al., 2025, arXiv:2503.08136, Alg. 1; released, for SD3-medium at 768 pixels:
    28 steps, 3 iterations, rate 15 (30 in an earlier script), shift 4, guidance 2.
    Departures: the norm is that of ``y - A D(x0)`` as in the paper, per sample (the released code
    maps it back by A^+ or A^T first, over the batch).
    """
    denoiser = Conditioned(prior, Descend(iterations, rate), keep_noise=True)
    return decoded(Process(denoiser, Mix(), flow_grid(steps, shift)), prior)
