"""Autoencoders: the maps between images and the latents that a prior may live on."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

from operators import Operator, Problem
from operators.solve import difference


class Autoencoder(nn.Module, ABC):
    """An encoder E of images (B, C, H, W) in [-1, 1] and a decoder D of latents (B, c, h, w).

    Solvers find it by `autoencoder_of` inside the prior they are given.
    """

    factor: int = 1
    """Side of an image over that of its latents."""

    @abstractmethod
    def latent_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(c, h, w) of the latents of images of `shape` (C, H, W).

        Raises:
            ValueError: for an image that it cannot take.
        """

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """E(x), the latents of an image: (B, C, H, W) -> (B, c, h, w)."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """D(z), the image of latents: (B, c, h, w) -> (B, C, H, W)."""

    def decoder(self, shape: tuple[int, ...], like: Tensor) -> Operator:
        """D as an operator onto images of `shape`, of the dtype and device of `like`.

        One that is linear should say so: a `LinearOperator` keeps `A @ D` linear.
        """
        return Decoder(self.decode, self.latent_shape(shape), shape, like)

    def through(self, problem: Problem) -> Problem:
        """The problem of the latents: find z from `y = A(D(z)) + noise`."""
        return problem.through(self.decoder(problem.operator.in_shape, problem.y))


class IdentityAutoencoder(Autoencoder):
    """The autoencoder of a prior on pixels: images are their own latents."""

    def latent_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def encode(self, x: Tensor) -> Tensor:
        return x

    def decode(self, z: Tensor) -> Tensor:
        return z

    def through(self, problem: Problem) -> Problem:
        return problem


class Decoder(Operator):
    """A differentiable decoder as an operator, called and not held: it stays where it is.

    `y = D(z)`.
    """

    def __init__(
        self,
        decode: Callable[[Tensor], Tensor],
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        like: Tensor,
    ) -> None:
        super().__init__(in_shape, out_shape)
        self.anchor = like.new_empty(0)
        self._decode = decode

    def _forward(self, x: Tensor) -> Tensor:
        return self._decode(x)

    def _jvp(self, x: Tensor, v: Tensor) -> Tensor:
        return difference(self._decode, x, v)


def autoencoder_of(prior: nn.Module) -> Autoencoder:
    """The autoencoder inside a prior (also a wrapped one), or the identity where there is none."""
    return next((m for m in prior.modules() if isinstance(m, Autoencoder)), IdentityAutoencoder())
