"""What a data step of an instrument costs beside a call of the network, exact and as samplers do.

python -m benchmarks.solves FILE

FILE: the 8-coil k-space of mikgroup/sigpy-mri-tutorial, `data/cartesian_ksp.npy`; tomographs of 60
and of 20 angles over 180 degrees and of 30 over 90 measure an image of 256 x 256. The
step begins at what it takes an estimate for, `x + sigma_y / sqrt(lam) n`. Conjugate gradients to a
relative residual of 1e-6, and of 1e-3 as `Prox` has it (`deviations`: how far that is from the
exact step, in standard deviations of the Gaussian posterior whose mean it is, root mean square),
float32, one thread, CPU seconds of this process (other processes do not stretch them). The
preconditioner, to 1e-3, is `(D + lam)^-1` in Fourier
space. D of coils is the Gram operator's own diagonal there, `sum_c |FFT(S_c)|^2` correlated with
the mask: the best circulant (Chan, 1988, doi:10.1137/0909051). That of a tomograph is the ramp,
`angles pixel^2 / (pi |f|)` times the interpolation's, on a frame of twice the sides.
"""

import math
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.record import save
from inverse.images import sample_photograph
from inverse.levels import Level
from inverse.priors import Channels, bundled
from inverse.steps.prox import TOLERANCE
from operators import LinearOperator, MultiCoilMRI, Problem, Radon, Rng, gaussian, mri_coils
from operators.core.arrays import load_array
from operators.core.fft import fft2, ifft2
from operators.medical import kspace
from operators.solve import dot

LAMS = (1.0, 0.1, 0.01, 0.001)
SIGMA = 0.02
EXACT = 1e-6
Map = Callable[[Tensor], Tensor]


def products(matvec: Map, b: Tensor, tol: float, invert: Map = lambda r: r) -> int:
    """How many products conjugate gradients take to a tolerance, preconditioned by invert."""
    r, z = b, invert(b)
    p, rz, goal = z, dot(r, z), tol**2 * dot(b, b)
    for k in range(1000):
        if bool((dot(r, r) <= goal).all()):
            return k
        q = matvec(p)
        r = r - rz / dot(p, q) * q
        z = invert(r)
        rz, before = dot(r, z), rz
        p = z + rz / before * p
    return 1000


def of_coils(operator: MultiCoilMRI) -> Callable[[float], Map]:
    energy = torch.fft.fft2(operator.maps[0], norm="forward").abs().square().sum(0)
    mask = operator.one.s2.reshape(operator.in_shape[1:])
    diagonal = torch.fft.ifft2(torch.fft.fft2(mask) * torch.fft.fft2(energy).conj()).real

    def at(lam: float) -> Map:
        scale = 1 / (diagonal.clamp_min(0) + lam)
        return lambda r: kspace.to_channels(ifft2(fft2(kspace.to_complex(r)) * scale))

    return at


def of_beams(operator: Radon) -> Callable[[float], Map]:
    _, height, width = operator.in_shape
    rows, columns = (torch.fft.fftfreq(2 * n, dtype=torch.float32) for n in (height, width))
    radius = torch.hypot(rows[:, None], columns).clamp_min(0.125 / max(height, width))
    smooth = torch.sinc(rows[:, None]) ** 2 * torch.sinc(columns) ** 2
    symbol = len(operator.angles) * operator.pixel**2 / (math.pi * radius) * smooth

    def at(lam: float) -> Map:
        def invert(r: Tensor) -> Tensor:
            spectrum = torch.fft.fft2(r, s=symbol.shape) / (symbol + lam)
            return torch.fft.ifft2(spectrum).real[..., :height, :width]

        return invert

    return at


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """Least CPU seconds of a call."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times)


@torch.no_grad()
def study(name: str, operator: LinearOperator, x: Tensor, at: Callable[[float], Map]) -> list[dict]:
    rng, rows = Rng([0]), []
    y = operator(x) + SIGMA * rng.normal((1, *operator.out_shape))
    problem, prior = Problem(operator, gaussian(SIGMA), y), Channels(bundled())
    network = seconds(lambda: prior(x, Level(1.0, 0.5), problem, Rng([0])))
    noise = rng.normal(x.shape)
    for lam in LAMS:
        v = x + SIGMA / math.sqrt(lam) * noise
        b = operator.adjoint(y - operator(v))
        matvec = lambda z, lam=lam: operator.gram(z) + lam * z  # noqa: E731
        away = operator.prox(v, y, lam, TOLERANCE) - operator.prox(v, y, lam)
        far = math.sqrt(float(dot(away, matvec(away))) / away.numel()) / SIGMA
        row = {"instrument": name, "lam": lam, "network_seconds": network, "deviations": far}
        for words, tol in (("exact", EXACT), ("rough", TOLERANCE)):
            took = seconds(lambda lam=lam, v=v, tol=tol: operator.prox(v, y, lam, tol), 2)
            row |= {f"{words}_seconds": took, f"{words}_calls": took / network}
            row[f"{words}_products"] = products(matvec, b, tol)
        rows.append(row | {"preconditioned_products": products(matvec, b, TOLERANCE, at(lam))})
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    torch.set_num_threads(1)
    photograph = sample_photograph("astronaut").mean(0, keepdim=True)[None]
    coils = mri_coils((2, 230, 180), sys.argv[1])
    brain = coils.picture(_scanned(coils, sys.argv[1]))
    tomographs = {
        "60 angles": [3.0 * i for i in range(60)],
        "20 angles": [9.0 * i for i in range(20)],
        "30 angles of 90 degrees": [3.0 * i for i in range(30)],
    }
    rows = study("8 coils", coils, brain, of_coils(coils))
    for name, angles in tomographs.items():
        operator = Radon(photograph.shape[1:], angles)
        rows += study(name, operator, photograph, of_beams(operator))
    save("solves", {"tolerance": TOLERANCE, "exact": EXACT, "sigma": SIGMA, "repeats": 2}, rows)


def _scanned(operator: MultiCoilMRI, path: str) -> Tensor:
    """What the scanner measured, as the operator has it."""
    arranged = operator.arranged
    assert arranged is not None
    return arranged(torch.view_as_real(torch.from_numpy(load_array(path)))).float()[None]


if __name__ == "__main__":
    main()
