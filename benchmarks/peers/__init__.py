"""Other libraries' solvers through our engine: the same prior, operators, noise and seeds.

    python -m benchmarks.peers [images=3] [side=64] [steps=50] [out=outputs/peers]

Adapters only: every solver is the library's own, at its own defaults but for the number of steps.
Each library is imported when one of its solvers is made.
"""

from collections.abc import Callable

from benchmarks.peers.peer import Peer
from inverse.denoise import Prior


def peers(steps: int) -> dict[str, Callable[[Prior], Peer]]:
    """The solvers of the other libraries by name, as makers from a prior."""
    from benchmarks.peers import azula, deepinv

    return {
        "azula DPS": lambda prior: Peer(prior, azula.dps(steps)),
        "azula DiffPIR": lambda prior: Peer(prior, azula.diffpir(steps)),
        "azula MMPS": lambda prior: Peer(prior, azula.mmps(steps)),
        "azula PiGDM": lambda prior: Peer(prior, azula.pigdm(steps)),
        "deepinv DPS": lambda prior: Peer(prior, deepinv.dps(steps)),
        "deepinv DiffPIR": lambda prior: Peer(prior, deepinv.diffpir(steps)),
    }
