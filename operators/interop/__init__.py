"""Our operators in the solvers of other libraries, and theirs in ours.

The bridges load their library on first use and raise a one-line ImportError where it is absent.
A linear map does not care about the range of the image; a nonlinear one does, and a library whose
images are in [0, 1] must then be given ours, in [-1, 1].
"""

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from operators.core.linear import LinearOperator
from operators.core.operator import Operator

__all__ = ["as_deepinv", "as_pylops", "as_scipy", "from_deepinv", "from_scipy"]


def as_scipy(operator: LinearOperator) -> Any:
    """A `scipy.sparse.linalg.LinearOperator`, (m, n), on flat real arrays of one sample.

    Takes NumPy arrays of any real type and computes in the operator's own; the columns of a
    matrix (n, k) are one batch of k samples. An operator with one set of parameters per sample
    acts on all of its batch at once: flat (B * n,), block-diagonal.

    Raises:
        TypeError: for a nonlinear operator or a complex array.
    """
    return _bridge("arrays", "as_scipy", "scipy").FlatOperator(_linear("as_scipy", operator))


def as_pylops(operator: LinearOperator) -> Any:
    """A `pylops.LinearOperator` as `as_scipy` gives one, with `dims` in_shape, `dimsd` out_shape.

    Where the operator has one set of parameters per sample, B comes first in both.

    Raises:
        TypeError: for a nonlinear operator.
        ImportError: without pylops.
    """
    pylops = _bridge("pylops", "as_pylops", "pylops")
    flat, samples = as_scipy(operator), () if operator.batch is None else (operator.batch,)
    dims, dimsd = samples + operator.in_shape, samples + operator.out_shape
    return pylops.LinearOperator(flat, dims=dims, dimsd=dimsd, name=operator.name)


def as_deepinv(operator: Operator) -> Any:
    """A `deepinv.physics.LinearPhysics` whose every product and solve is ours, without noise.

    A, A_adjoint, A_adjoint_A, A_vjp and A_dagger are `forward`, `adjoint`, `gram`, `vjp`, `pinv`;
    `prox_l2(z, y, gamma) = argmin gamma/2 ||A x - y||^2 + 1/2 ||x - z||^2` is `prox(z, y,
    lam=1/gamma)`, gamma a number or one per sample. Solver options given to them (solver, max_iter,
    tol) have no effect. Add noise by `set_noise_model`; its levels are those of the range your
    images are in (ours [-1, 1], deepinv's [0, 1]). A nonlinear operator becomes a `Physics`: A and
    A_vjp.

    Raises:
        ImportError: without deepinv.
    """
    physics = _bridge("physics", "as_deepinv", "deepinv")
    linear = isinstance(operator, LinearOperator)
    return physics.OurLinearPhysics(operator) if linear else physics.OurPhysics(operator)


def from_scipy(linear: Any, in_shape: Sequence[int], out_shape: Sequence[int]) -> LinearOperator:
    """Our operator from a real scipy or pylops LinearOperator, sparse matrix or array (m, n).

    Differentiable; computes on the CPU, in the given operator's precision. Solves are by CG.

    Raises:
        ValueError: where the shapes do not fit, or for a complex operator.
    """
    return _bridge("arrays", "from_scipy", "scipy").FromFlat(linear, in_shape, out_shape)


def from_deepinv(physics: Any, image_shape: Sequence[int]) -> Operator:
    """Our operator from a `deepinv.physics.Physics`: its A and A_adjoint, without its noise.

    Linear physics give a `LinearOperator` (solves by CG, to our tolerances), others an `Operator`.
    The physics becomes a submodule: `.to` moves it, too. image_shape: (C, H, W); the shape of the
    measurement is found by measuring zeros.

    Raises:
        TypeError: where `physics` is no Physics.
        ValueError: where it does not measure one real tensor per image.
        ImportError: without deepinv.
    """
    return _bridge("physics", "from_deepinv", "deepinv").ours(physics, image_shape)


def _bridge(module: str, function: str, package: str) -> ModuleType:
    ours = module != package
    try:
        return importlib.import_module(f"operators.interop.{module}" if ours else package)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"operators.interop.{function}: needs {package} ({error}); "
            "pip install 'anytime-inverse[interop]'"
        ) from error


def _linear(function: str, operator: Operator) -> LinearOperator:
    if not isinstance(operator, LinearOperator):
        raise TypeError(f"operators.interop.{function}: {operator!r} is not linear")
    return operator
