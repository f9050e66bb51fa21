"""Phase retrieval: only the size of the Fourier coefficients is measured."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core import fft
from operators.core.operator import Operator, as_shape


class PhaseRetrieval(Operator):
    """Measures how large each Fourier coefficient is, without its phase.

    `y = |F P u|` with `u = (x + 1) / 2`, per channel: (C, H, W) -> (C, H + 2p, W + 2q). P pads with
    zeros (black), `p = floor(oversample / 8 * H)` rows above and below and q likewise (64 for 256
    and oversample 2); F is the orthonormal discrete Fourier transform, frequency zero in the
    middle. With `intensity` it is `y = |F P u|^2`, what a detector counts. y is in units of the [0,
    1] range (squared for intensities), so a paper's noise of 0.05 on this amplitude is 0.05 here,
    and no light is y = 0. Photons are of intensities: of amplitudes, Poisson noise is no
    detector's.

    The gradient of `|z|` is `z / |z|`, of size at most 1; at z = 0 it is taken as 0. Images that
    differ by a half turn (or, where the padding allows, by a shift) measure the same.

    Raises:
        ValueError: for an oversample that is negative or not finite.

    Reference: Chung et al., 2023, arXiv:2209.14687 (DPS); x mapped to [0, 1] as in Zhang
    et al., 2024, arXiv:2407.01521 (DAPS).
    """

    dark = 0.0

    def __init__(
        self, image_shape: Sequence[int], oversample: float = 2.0, intensity: bool = False
    ) -> None:
        shape = as_shape("PhaseRetrieval", "image_shape", image_shape, rank=3)
        if not 0 <= oversample < float("inf"):
            raise ValueError(f"PhaseRetrieval: oversample must be 0 or more, got {oversample}")
        channels, height, width = shape
        sides = tuple(side + 2 * int(oversample / 8 * side) for side in (height, width))
        super().__init__(shape, (channels, *sides))
        self.intensity = bool(intensity)

    def _forward(self, x: Tensor) -> Tensor:
        # Where the image lies in the padding, and what is the origin, changes phases only.
        z = fft.fft2((x + 1) / 2, self.out_shape[1:], norm="ortho")
        y = torch.view_as_real(z).square().sum(-1) if self.intensity else z.abs()
        return torch.fft.fftshift(y, (2, 3))

    def picture(self, y: Tensor) -> Tensor:
        """The logarithm `log(1 + 1000 y / max y)`, from -1 to 1: (B, C, h, w)."""
        peak = y.flatten(1).amax(1).clamp_min(torch.finfo(y.dtype).tiny).view(-1, 1, 1, 1)
        return 2 * torch.log1p((y / peak).clamp_min(0) * 1000) / torch.log1p(y.new_tensor(1e3)) - 1


def phase_retrieval(
    image_shape: Sequence[int], oversample: float = 2.0, intensity: bool = False
) -> PhaseRetrieval:
    """Phase retrieval from Fourier amplitudes (or intensities) of the padded image."""
    return PhaseRetrieval(image_shape, oversample, intensity)
