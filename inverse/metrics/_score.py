"""All measures at once."""

from torch import Tensor

from inverse.metrics.fidelity import SSIM_WINDOW, psnr, ssim
from inverse.metrics.lpips import LPIPS


def score(x: Tensor, ref: Tensor, lpips: LPIPS | None = None) -> dict[str, list[float]]:
    """{"psnr": [...], "ssim": [...]} and, with a network, "lpips": [...]; one number per sample.

    `x` and `ref` are (B, 3, H, W) in [-1, 1]. Without a network the key "lpips" is absent, and so
    is that of a measure whose windows do not fit into images this small: a measure that cannot be
    had is missing, never a number.
    """
    values, side = {"psnr": psnr(x, ref)}, min(x.shape[-2:])
    if side >= SSIM_WINDOW:
        values["ssim"] = ssim(x, ref)
    if lpips is not None and side >= lpips.smallest:
        values["lpips"] = lpips(x, ref)
    return {name: value.tolist() for name, value in values.items()}
