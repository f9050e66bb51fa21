"""Every operator there is, small, for the shared harness. Add yours to CASES: that is all."""

import torch

from operators import (
    DCT,
    MRI,
    Bayer,
    BlockSensing,
    Blur,
    CosineBlur,
    Decimate,
    DenseGaussian,
    Diagonal,
    Downsample,
    Fourier,
    FrameSkip,
    Greyscale,
    Identity,
    Inpaint,
    LinearOperator,
    MultiCoilMRI,
    Multiplane,
    PaddedBlur,
    Radon,
    Separable,
    SpectralResponse,
    Temporal,
    TemporalAverage,
    VaryingBlur,
    WalshHadamard,
    alpha_blend,
    blur_kernel,
    exposure,
    framewise,
    kernels,
    kspace,
    masks,
    resample,
    stack,
    temporal_blur,
)
from operators.blurs.varying import patches, rings

RGB = (3, 6, 5)
GREY = (1, 7, 9)


class Cumulative(LinearOperator):
    """A third party's operator: only `_forward`; everything else by default."""

    closed_form = False

    def __init__(self):
        super().__init__((1, 4, 5), (1, 3, 5))

    def _forward(self, x):
        return torch.cumsum(x, 3)[:, :, :3] + 0.5 * x[:, :, 1:]


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _kernels(n, c=1):
    return torch.rand(n, c, 3, 5, generator=_generator(), dtype=torch.float64)


def _several():
    return torch.stack([masks.random(RGB, 0.5, seed)[None] for seed in (1, 2, 3)])


def _coloured():
    return torch.rand(RGB, generator=_generator()) > 0.4


def _weights(n, shape=RGB):
    spread = torch.rand(n, *shape, generator=_generator(), dtype=torch.float64) + 0.3
    return spread * torch.tensor([1.0, -1.0]).double()[torch.arange(shape[-1]) % 2]


def _blur(shape=RGB):
    return Blur(shape, kernels.gaussian(3, 0.8))


def _peaked(n=1, c=1):
    """Kernels that are no outer products and not even, and blur too little to be ill-posed."""
    return 0.1 * _kernels(n, c) + torch.eye(5, dtype=torch.float64)[2] * torch.eye(3)[:, 1:2]


def _matrix(*shape):
    return torch.randn(shape, generator=_generator(), dtype=torch.float64)


def _maps(*shape):
    return torch.view_as_complex(_matrix(*shape, 2))


def _even(kernel):
    kernel = kernel + kernel.flip(2)
    return kernel + kernel.flip(3)


CASES = {
    "identity": lambda: Identity(RGB),
    "inpaint": lambda: Inpaint(RGB, masks.random(RGB, 0.4, 1)),
    "inpaint channels": lambda: Inpaint(RGB, _coloured()),
    "inpaint per sample": lambda: Inpaint(RGB, _several()),
    "blur": lambda: _blur(),
    "blur odd": lambda: Blur(GREY, kernels.motion(7, 3)),
    "blur along a line": lambda: Blur(GREY, kernels.line(5, 3.0, 20.0)),
    "blur channels": lambda: Blur(RGB, _kernels(1, 3)[0]),
    "blur per sample": lambda: Blur(RGB, _kernels(3)),
    "blur singular": lambda: Blur((1, 6, 8), torch.full((1, 3), 1 / 3).repeat(3, 1) / 3),
    "downsample": lambda: Downsample((3, 4, 6), 2),
    "downsample by 1": lambda: Downsample((1, 3, 4), 1),
    "downsample odd": lambda: Downsample((1, 9, 6), 3),
    "walsh-hadamard": lambda: WalshHadamard((2, 8, 4), 0.4, 1),
    "walsh-hadamard full": lambda: WalshHadamard((1, 4, 8), 1.0, 1),
    "dense": lambda: DenseGaussian((1, 6, 5), 12, 1),
    "dense tall": lambda: DenseGaussian((1, 3, 4), 15, 1),
    "dct": lambda: DCT((2, 6, 5), 0.5, 0.5, 1),
    "dct full": lambda: DCT((1, 4, 6), 1.0),
    "block": lambda: BlockSensing((2, 4, 6), _matrix(3, 4)),
    "block tall": lambda: BlockSensing((1, 6, 4), _matrix(6, 4)),
    "fourier": lambda: Fourier((2, 6, 4), _matrix(6, 4) > 0),
    "fourier odd": lambda: Fourier((1, 5, 7), _matrix(5, 7) > 0.2),
    "fourier per sample": lambda: Fourier((1, 5, 4), _matrix(3, 1, 5, 4) > 0),
    "mri": lambda: MRI((2, 5, 6), kspace.lines((2, 5, 6), 2, 0.2)),
    "mri per sample": lambda: MRI((4, 4, 3), _matrix(3, 1, 4, 3) > 0),
    "mri coils": lambda: MultiCoilMRI((2, 4, 5), _maps(3, 4, 5), _matrix(4, 5) > -0.5),
    "mri coils real": lambda: MultiCoilMRI((1, 4, 3), _maps(3, 2, 4, 3), _matrix(3, 1, 4, 3) > 0),
    "diagonal": lambda: Diagonal(RGB, _weights(1)),
    "diagonal with zeros": lambda: Diagonal(RGB, _weights(1) * _coloured()),
    "diagonal per sample": lambda: Diagonal(GREY, _weights(3, (1, 1, 1))),
    "weighted mask": lambda: Diagonal(RGB, _weights(1)) @ Inpaint(RGB, _several()),
    "weighted blur": lambda: Diagonal(RGB, _weights(1)) @ _blur(),
    "greyscale": lambda: Greyscale(RGB),
    "greyscale luma": lambda: Greyscale(RGB, [0.299, 0.587, 0.114]),
    "response": lambda: SpectralResponse(RGB, _matrix(2, 3)),
    "response tall": lambda: SpectralResponse(RGB, _matrix(4, 3)),
    "response per sample": lambda: SpectralResponse(RGB, _matrix(3, 2, 3)),
    "alpha": lambda: alpha_blend(RGB, _matrix(3, 6, 5).clamp(0, 0.6)),
    "alpha per sample": lambda: alpha_blend(RGB, _matrix(3, 1, 6, 5).sigmoid()),
    "multiplane": lambda: Multiplane((6, 3, 4), _matrix(3, 3, 4).clamp(0, 1)),
    "multiplane per sample": lambda: Multiplane((2, 5, 4), _matrix(3, 2, 5, 4).sigmoid()),
    "framewise": lambda: framewise(_blur((2, 4, 5)), 3),
    "framewise per sample": lambda: framewise(Inpaint(RGB, _several()), 2),
    "framewise per frame": lambda: framewise(Inpaint(RGB, _several()), 3, per_frame=True),
    "framewise composed": lambda: framewise(Downsample((1, 4, 6), 2) @ _blur((1, 4, 6)), 2),
    "framewise rows": lambda: 2 * framewise(DenseGaussian((1, 4, 3), 5, 1), 2).T,
    "temporal average": lambda: TemporalAverage((2, 4, 3, 2), 2),
    "temporal": lambda: Temporal((2, 4, 3, 2), _matrix(6, 4)),
    "temporal blur": lambda: temporal_blur((1, 6, 2, 3), 3, 0.6),
    "temporal box": lambda: temporal_blur((1, 7, 2, 3), 3, padding="valid"),
    "exposure": lambda: exposure((2, 7, 3, 2), 3, 2),
    "exposure of rows": lambda: framewise(Downsample((1, 4, 6), 2), 2) @ exposure((1, 5, 4, 6), 2),
    "frame skip": lambda: FrameSkip((2, 5, 3, 2), 2),
    "radon": lambda: Radon((2, 4, 5), [0.0, 35.0, 80.0, 130.0]),
    "scaled": lambda: -2.0 * _blur(),
    "scaled mask": lambda: 0.5 * Inpaint(RGB, masks.box(RGB)),
    "scaled per sample": lambda: 3 * Blur(RGB, _kernels(3)),
    "transposed": lambda: Downsample((3, 4, 6), 2).T,
    "transposed blur": lambda: Blur(RGB, _kernels(1)).T,
    "transposed dense": lambda: DenseGaussian((1, 3, 4), 5, 2).T,
    "rotated": lambda: WalshHadamard((1, 4, 8), 0.5, 1) @ Identity((1, 4, 8)),
    "unitary outside": lambda: WalshHadamard((1, 4, 8), 1.0, 1) @ _blur((1, 4, 8)),
    "unitary inside": lambda: _blur((1, 4, 8)) @ WalshHadamard((1, 4, 8), 1.0, 1).T @ _eye((1, 32)),
    "unitary mri": lambda: MRI((2, 3, 5), torch.ones(3, 5)) @ Blur((2, 3, 5), _kernels(1)),
    "composed": lambda: Downsample((3, 6, 4), 2) @ _blur((3, 6, 4)),
    "composed mask": lambda: Inpaint(RGB, masks.random(RGB, 0.7, 1)) @ Blur(RGB, _kernels(1)),
    "composed per sample": lambda: Inpaint(RGB, _several()) @ _blur(),
    "composed transposed": lambda: (Greyscale(RGB) @ _blur()).T,
    "sum": lambda: Identity(RGB) + 0.5 * _blur(),
    "difference": lambda: 2 * Identity(RGB) - _blur(),
    "stacked": lambda: stack([Downsample((3, 4, 6), 2), Inpaint((3, 4, 6), masks.half((3, 4, 6)))]),
    "scaled composed": lambda: 2 * (Greyscale(RGB) @ _blur()),
    "third party": Cumulative,
    "inpaint channelwise": lambda: Inpaint(RGB, masks.random(RGB, 0.4, 1, channelwise=True)),
    "bayer": lambda: Bayer((3, 4, 6)),
    "bayer odd": lambda: Bayer((3, 5, 3), "GBRG"),
    "padded zero": lambda: PaddedBlur(GREY, _peaked(), "zero"),
    "padded reflect": lambda: PaddedBlur(RGB, _peaked(1, 3), "reflect"),
    "padded replicate": lambda: PaddedBlur(RGB, _peaked(3, 1), "replicate"),
    "padded valid": lambda: PaddedBlur(GREY, _peaked(), "valid"),
    "cosine": lambda: CosineBlur(GREY, kernels.defocus(5)),
    "cosine per sample": lambda: CosineBlur(RGB, _even(_kernels(3, 3))),
    "separable": lambda: Separable((2, 5, 6), _matrix(2, 7, 5), _matrix(4, 6)),
    "separable per sample": lambda: Separable(RGB, _matrix(3, 1, 4, 6), _matrix(3, 3, 4, 5)),
    "separable blur": lambda: blur_kernel(RGB, kernels.gaussian(3, 0.8), "reflect"),
    "separable valid": lambda: blur_kernel(GREY, torch.ones(3, 5) / 15, "valid"),
    "varying": lambda: VaryingBlur((1, 5, 6), _peaked(1, 4)[0], patches((1, 5, 6), 2)),
    "varying per sample": lambda: VaryingBlur(RGB, _peaked(3, 2), rings(RGB, 2), "zero"),
    "resample": lambda: resample((2, 9, 8), 0.4),
    "resample up": lambda: resample((1, 4, 3), 1.7, "bilinear"),
    "decimate": lambda: Decimate((2, 4, 6), 2),
    "decimated": lambda: Decimate((2, 6, 9), 3) @ Blur((2, 6, 9), _peaked()),
    "decimated per sample": lambda: Decimate((1, 4, 8), 4) @ Blur((1, 4, 8), _peaked(3)),
    "decimated singular": lambda: Decimate((1, 6, 8), 2) @ Blur((1, 6, 8), torch.ones(3, 1) / 3),
    "decimated mean": lambda: Downsample((2, 6, 8), 2) @ (-2 * Blur((2, 6, 8), _peaked(1, 2))),
    "decimated transposed": lambda: (Downsample((1, 6, 8), 2) @ _blur((1, 6, 8))).T,
    "blur of blocks": lambda: Blur((2, 6, 8), _peaked(1, 2)) @ (4 * Downsample((2, 6, 8), 2).T),
    "means of blocks": lambda: Downsample((1, 8, 8), 4) @ (4 * Downsample((1, 8, 8), 2).T),
    "blocks of blocks": lambda: Downsample((1, 8, 8), 2) @ (16 * Downsample((1, 8, 8), 4).T),
}


def _eye(shape):
    return Identity(shape)


def batch_of(operator, default=3):
    return default if operator.batch is None else operator.batch


def dense(operator):
    """The matrices, float64, one per sample: (B, m, n), B = 1 where all samples share one."""
    operator = operator.double()
    n = torch.Size(operator.in_shape).numel()
    basis = torch.eye(n, dtype=torch.float64).view(n, *operator.in_shape)
    if operator.batch is None:
        return operator(basis).flatten(1).mT[None]
    columns = [operator(row.expand(operator.batch, *operator.in_shape)) for row in basis]
    return torch.stack([column.flatten(1) for column in columns], 2)


def draw(operator, seed=0, batch=None):
    """Seeded x and y that fit."""
    b, generator = batch_of(operator) if batch is None else batch, _generator(seed)
    x = torch.randn(b, *operator.in_shape, generator=generator, dtype=torch.float64)
    y = torch.randn(b, *operator.out_shape, generator=generator, dtype=torch.float64)
    return x.to(operator.anchor), y.to(operator.anchor)


def matvec(matrix, x):
    """(1|B, m, n) times (B, …) -> (B, m), in float64."""
    return torch.einsum("bmn,bn->bm", matrix.expand(len(x), -1, -1), x.double().flatten(1))


def close(got, want, tol):
    got, want = got.detach().double().flatten(), want.detach().double().flatten()
    error = float((got - want).norm() / want.norm().clamp_min(1e-30))
    assert error <= tol, f"off by {error:.2e}, more than {tol:.0e}"
