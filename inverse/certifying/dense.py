"""A dense operator given by its singular value decomposition."""

from torch import Tensor

from operators import SpectralOperator


class Dense(SpectralOperator):
    """A matrix of few values by its factors, which it is given in float64.

    `y = U diag(s) V^T x`: (1, 1, d) -> (m,), m <= d.
    """

    left: Tensor
    right: Tensor

    def __init__(self, left: Tensor, s: Tensor, right: Tensor) -> None:
        m, d = right.shape
        super().__init__((1, 1, d), (m,), s[None], v_complete=m == d)
        self.constant("left", left)
        self.constant("right", right)

    def u(self, z: Tensor) -> Tensor:
        return z @ self.left.mT

    def ut(self, y: Tensor) -> Tensor:
        return y @ self.left

    def v(self, z: Tensor) -> Tensor:
        return (z @ self.right).unflatten(1, self.in_shape)

    def vt(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.right.mT
