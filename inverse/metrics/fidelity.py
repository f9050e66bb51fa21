"""Pixel fidelity: PSNR and SSIM, one value per sample.

Inputs are images in [-1, 1], shape (B, C, H, W); both are brought to [0, 1] and clamped first.
No border is cut off; colour is taken as RGB, not as luminance.
"""

from torch import Tensor

from inverse.images import to_unit

SSIM_WINDOW = 11
MS_SSIM_SIDE = 176  # five scales, each half of the one before, the last as wide as the window


def psnr(x: Tensor, ref: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, (B,): -10 log10 mean (x - ref)^2, peak 1.

    The mean runs over all pixels and all channels of a sample. Equal images give inf.

    Raises:
        ValueError: when the shapes differ or are not (B, C, H, W).
    """
    same_shape("psnr", x, ref)
    error = to_unit(x.float()) - to_unit(ref.float())
    return -10 * error.square().mean(dim=(1, 2, 3)).log10()


def psnr_where(x: Tensor, ref: Tensor, where: Tensor) -> Tensor:
    """PSNR over the values where `where` (B or 1, C or 1, H, W) is 1 and not 0, (B,).

    NaN where it is 0 everywhere.

    Raises:
        ValueError: when the shapes differ or are not (B, C, H, W).
    """
    same_shape("psnr_where", x, ref)
    where = where.to(x).expand_as(x)
    squares = (to_unit(x.float()) - to_unit(ref.float())).square() * where
    return -10 * (squares.sum(dim=(1, 2, 3)) / where.sum(dim=(1, 2, 3))).log10()


def ssim(x: Tensor, ref: Tensor) -> Tensor:
    """Structural similarity, (B,): Gaussian window 11x11 with sigma 1.5, K = (0.01, 0.03), range 1.

    By kornia; the mean runs over the channels and over the positions where the window lies inside
    the image, as in the paper and in scikit-image (gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False).

    Raises:
        ValueError: when the shapes differ, or a side is shorter than the window.

    Reference: Wang et al., 2004, doi:10.1109/TIP.2003.819861.
    """
    same_shape("ssim", x, ref)
    if min(x.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"ssim: sides must be at least {SSIM_WINDOW}, got {tuple(x.shape[-2:])}; "
            "leave SSIM out for images this small"
        )
    from kornia.metrics import ssim as similarity  # loads in a tenth of torchmetrics' time

    x, ref = to_unit(x.float()), to_unit(ref.float())
    return similarity(x, ref, SSIM_WINDOW, padding="valid").mean(dim=(1, 2, 3))


def ms_ssim(x: Tensor, ref: Tensor) -> Tensor:
    """Structural similarity over five scales, (B,), as torchmetrics computes it: window as `ssim`.

    Raises:
        ValueError: when the shapes differ, or a side is below `MS_SSIM_SIDE`.

    Reference: Wang et al., 2003, doi:10.1109/ACSSC.2003.1292216.
    """
    same_shape("ms_ssim", x, ref)
    if min(x.shape[-2:]) < MS_SSIM_SIDE:
        raise ValueError(
            f"ms_ssim: sides must be at least {MS_SSIM_SIDE}, got {tuple(x.shape[-2:])}; "
            "leave MS-SSIM out for images this small"
        )
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    x, ref = to_unit(x.float()), to_unit(ref.float())
    return multiscale_structural_similarity_index_measure(x, ref, data_range=1.0, reduction="none")


def same_shape(name: str, x: Tensor, ref: Tensor) -> None:
    """Refuse two tensors of different shapes.

    Raises:
        ValueError: unless both are (B, C, H, W) of one shape.
    """
    if x.ndim != 4 or x.shape != ref.shape:
        raise ValueError(
            f"{name}: image and reference must both be (B, C, H, W), "
            f"got {tuple(x.shape)} and {tuple(ref.shape)}; match their shapes"
        )
