"""Maps that act on rows and on columns alone; their decomposition is made of two small ones."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.blurs.borders import extend
from operators.core.linear import LinearOperator
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.solve import column


class Separable(SpectralOperator):
    """Applies one matrix along the height and one along the width of every channel.

    `y = R x C^T`: (C, H, W) -> (C, h, w). From `R = U_R diag(r) V_R^T` and `C = U_C diag(c) V_C^T`,
    found once in float64, A has the singular values `r_i c_j`, with `U z = U_R z U_C^T` and
    `V z = V_R z V_C^T` (the decomposition of a Kronecker product is the Kronecker product of the
    decompositions). Every transform is two small matrix products.

    Args:
        image_shape: (C, H, W).
        rows: R, (h, H), one per channel (C, h, H), or one per sample (B, 1|C, h, H).
        columns: C, likewise (..., w, W).

    Raises:
        ValueError: for matrices that do not fit the image or each other, NaN or inf in them.

    Reference: Golub and Van Loan, Matrix Computations, 4th ed., 12.3.
    """

    rows: Tensor
    columns: Tensor
    _left: Tensor
    _right: Tensor
    _under: Tensor
    _over: Tensor

    def __init__(self, image_shape: Sequence[int], rows: Tensor, columns: Tensor) -> None:
        shape = as_shape("Separable", "image_shape", image_shape, rank=3)
        rows = _matrices("rows", rows, shape[0], shape[1])
        columns = _matrices("columns", columns, shape[0], shape[2])
        batches = {len(m) for m in (rows, columns)} - {1}
        if len(batches) > 1:
            raise ValueError(f"Separable: rows and columns for batches of {batches} do not mix")
        left, r, right = torch.linalg.svd(rows, full_matrices=False)
        under, c, over = torch.linalg.svd(columns, full_matrices=False)
        s = r[..., :, None] * c[..., None, :]
        # what rounding leaves of zeros would make subnormal numbers, which are slow
        bound = torch.finfo(s.dtype).eps * max(shape[1:]) * s.flatten(1).amax(1)
        out = (rows.shape[2], columns.shape[2])
        super().__init__(
            shape,
            (shape[0], *out),
            torch.where(s > column(bound, s), s, 0.0),
            v_complete=out[0] >= shape[1] and out[1] >= shape[2],
            u_complete=out[0] <= shape[1] and out[1] <= shape[2],
            per_sample=bool(batches),
        )
        for name, value in (("rows", rows), ("_left", left), ("_right", right)):
            self.constant(name, value, per_sample=len(rows) != 1)
        for name, value in (("columns", columns), ("_under", under), ("_over", over)):
            self.constant(name, value, per_sample=len(columns) != 1)

    @property
    def factors(self) -> tuple[Tensor, Tensor]:
        """R and C as they were given, (1|B, 1|C, ...), in float64 on the CPU."""
        return self.exact("rows"), self.exact("columns")

    def _fused(self, inner: LinearOperator) -> LinearOperator | None:
        return lined(self, inner)

    def u(self, z: Tensor) -> Tensor:
        return _both(self._left, z, self._under.mT)

    def ut(self, y: Tensor) -> Tensor:
        return _both(self._left.mT, y, self._under)

    def v(self, z: Tensor) -> Tensor:
        return _both(self._right.mT, z, self._over)

    def vt(self, x: Tensor) -> Tensor:
        return _both(self._right, x, self._over.mT)

    def _forward(self, x: Tensor) -> Tensor:
        return _both(self.rows, x, self.columns.mT)

    def _adjoint(self, y: Tensor) -> Tensor:
        return _both(self.rows.mT, y, self.columns)

    def _gram(self, x: Tensor) -> Tensor:
        return self._adjoint(self._forward(x))


def lined(outer: LinearOperator, inner: LinearOperator) -> Separable | None:
    """The product of two that have `factors`: `(R kron C)(S kron D) = R S kron C D`."""
    left, right = getattr(outer, "factors", None), getattr(inner, "factors", None)
    if left is None or right is None:
        return None
    return Separable(inner.in_shape, left[0] @ right[0], left[1] @ right[1])


def _both(left: Tensor, x: Tensor, right: Tensor) -> Tensor:
    return torch.matmul(torch.matmul(left, x), right)


def _matrices(name: str, given: Tensor, channels: int, side: int) -> Tensor:
    matrix = torch.as_tensor(given).detach().to("cpu", torch.float64)
    if matrix.ndim in (2, 3):
        matrix = matrix.reshape(*[1] * (4 - matrix.ndim), *matrix.shape)
    fits = matrix.ndim == 4 and matrix.shape[1] in (1, channels) and matrix.shape[3] == side
    if not fits or not matrix.shape[2]:
        raise ValueError(
            f"Separable: {name} must be (n, {side}), (1|{channels}, n, {side}) or "
            f"(B, 1|{channels}, n, {side}), got {tuple(given.shape)}"
        )
    if not bool(torch.isfinite(matrix).all()):
        raise ValueError(f"Separable: {name} holds NaN or inf")
    return matrix


def outer(kernel: Tensor) -> tuple[Tensor, Tensor] | None:
    """Kernels (..., h, w) as products `k_ij = a_i b_j`, (..., h) and (..., w), or None.

    To rounding: the second singular value is at most 1e-14 of the first.
    """
    left, s, right = torch.linalg.svd(kernel, full_matrices=False)
    if bool((s[..., 1:] > 1e-14 * s[..., :1]).any()):
        return None
    return left[..., 0] * s[..., :1], right[..., 0, :]


def convolution(taps: Tensor, side: int, padding: str) -> Tensor:
    """Convolution of a padded line of `side` pixels with taps (..., k), as (..., m, side)."""
    count = taps.shape[-1]
    line = torch.eye(side, dtype=taps.dtype)[None]
    line = extend(line, padding, (count // 2, 0))[0]
    m = len(line) - count + 1
    shifts = [taps[..., count - 1 - t, None, None] * line[t : t + m] for t in range(count)]
    return torch.stack(shifts).sum(0)
