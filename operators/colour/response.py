"""Colour: what the bands of a sensor see of the channels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.solve import column


class SpectralResponse(SpectralOperator):
    """Measures every pixel in bands, each a weighted sum of the channels.

    `y = M x` at every pixel: (C, H, W) -> (bands, H, W). One small singular value decomposition,
    found in float64, serves all pixels. (`Greyscale` is the special case of one band.)

    Args:
        image_shape: (C, H, W).
        matrix: M, (bands, C), or one per sample (B, bands, C); row i holds how much band i sees of
            each of the C channels.

    Raises:
        ValueError: for another number of columns, NaN or inf, or a matrix that is all zero.
    """

    matrix: Tensor
    left: Tensor
    right: Tensor

    def __init__(
        self, image_shape: Sequence[int], matrix: Tensor | Sequence[Sequence[float]]
    ) -> None:
        shape = as_shape("SpectralResponse", "image_shape", image_shape, rank=3)
        full = torch.as_tensor(matrix).detach().to("cpu", torch.float64)
        full = full[None] if full.ndim == 2 else full
        fits = full.ndim == 3 and bool(full.shape[1]) and full.shape[2] == shape[0]
        sizes = full.abs().flatten(1).amax(1) if fits else full
        if not fits or not bool(((sizes > 0) & sizes.isfinite()).all()):
            raise ValueError(
                f"SpectralResponse: matrix must be (bands, {shape[0]}) or (B, bands, {shape[0]}), "
                f"finite and not all zero, got {tuple(full.shape)}"
            )
        bands, several = full.shape[1], full.shape[0] != 1
        left, s, right = torch.linalg.svd(full, full_matrices=False)
        super().__init__(
            shape,
            (bands, *shape[1:]),
            s[..., None, None],
            v_complete=bands >= shape[0],
            u_complete=bands <= shape[0],
            per_sample=several,
        )
        for name, value in (("matrix", full), ("left", left), ("right", right)):
            self.constant(name, value, several)

    def u(self, z: Tensor) -> Tensor:
        return mix(self.left, z)

    def ut(self, y: Tensor) -> Tensor:
        return mix(self.left.mT, y)

    def v(self, z: Tensor) -> Tensor:
        return mix(self.right.mT, z)

    def vt(self, x: Tensor) -> Tensor:
        return mix(self.right, x)

    def _forward(self, x: Tensor) -> Tensor:
        return mix(self.matrix, x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return mix(self.matrix.mT, y)

    def _pinv(self, y: Tensor) -> Tensor:
        return mix(self._back(self.s_inv), y)

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        exact = not isinstance(lam, Tensor) and lam == 0
        gain = self.s_inv if exact else self.s / (self.s2 + column(lam, self.s2))
        return mix(self._back(gain), y - self._forward(x), x)

    def _plus_v(self, x: Tensor, z: Tensor) -> Tensor:
        return mix(self.right.mT, z, x)

    def _back(self, gain: Tensor) -> Tensor:
        """The back-projection `V diag(gain) U^T`, (1|B, C, bands)."""
        return (self.right.mT * gain.flatten(1)[:, None]) @ self.left.mT


def mix(matrix: Tensor, x: Tensor, plus: Tensor | None = None) -> Tensor:
    """plus + matrix (1|B, m, n) at every pixel of x (B, n, H, W): (B, m, H, W)."""
    matrix, pixels = matrix.expand(len(x), -1, -1), x.flatten(2)
    y = matrix @ pixels if plus is None else torch.baddbmm(plus.flatten(2), matrix, pixels)
    return y.unflatten(2, x.shape[2:])


def spectral_response(
    image_shape: Sequence[int], matrix: Sequence[Sequence[float]]
) -> SpectralResponse:
    """A sensor of other bands than the image's channels; matrix: a row for each band."""
    return SpectralResponse(image_shape, matrix)


class Greyscale(SpectralOperator):
    """Takes a weighted sum of the channels.

    `y = sum_c w_c x_c`: (C, H, W) -> (1, H, W), one singular value `||w||`.

    Args:
        weights: one per channel; by default their plain mean (as DDRM and DDNM take it), which is
            no luminance: that is (0.299, 0.587, 0.114) (Rec. 601).

    Raises:
        ValueError: for another count, NaN, or zeros only.
    """

    w: Tensor

    def __init__(self, image_shape: Sequence[int], weights: Sequence[float] | None = None) -> None:
        shape = as_shape("Greyscale", "image_shape", image_shape, rank=3)
        values = [1 / shape[0]] * shape[0] if weights is None else [float(w) for w in weights]
        w = torch.tensor(values, dtype=torch.float64)
        size = float(w.norm())
        if w.shape != shape[:1] or not 0 < size < float("inf"):
            raise ValueError(
                f"Greyscale: weights must be {shape[0]} finite numbers, one per channel and not "
                f"all zero, got {weights}"
            )
        s = torch.full((1, 1, 1, 1), size, dtype=torch.float64)
        super().__init__(shape, (1, *shape[1:]), s, v_complete=shape[0] == 1)
        self.constant("w", (w / size).view(1, -1, 1, 1))

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = u

    def v(self, z: Tensor) -> Tensor:
        return z * self.w

    def vt(self, x: Tensor) -> Tensor:
        return self._weigh(x, self.w)

    def _plus_v(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.addcmul(x, self.w, z)

    def _forward(self, x: Tensor) -> Tensor:
        return self._weigh(x, self.w * self.s)

    def _adjoint(self, y: Tensor) -> Tensor:
        return y * (self.w * self.s)

    def _pinv(self, y: Tensor) -> Tensor:
        return y * (self.w * self.s_inv)

    def _weigh(self, x: Tensor, weights: Tensor) -> Tensor:
        return (weights.view(1, -1) @ x.flatten(2)).unflatten(2, self.in_shape[1:])


def greyscale(image_shape: Sequence[int], weights: Sequence[float] | None = None) -> Greyscale:
    """Colourisation: only the channels' mean is measured, or by `weights` the luminance."""
    return Greyscale(image_shape, weights)
