"""All measures at once."""

from torch import Tensor

from inverse.metrics.fidelity import psnr, ssim
from inverse.metrics.lpips import LPIPS


def score(x: Tensor, ref: Tensor, lpips: LPIPS | None = None) -> dict[str, list[float]]:
    """{"psnr": [...], "ssim": [...]} and, with a network, "lpips": [...]; one number per sample.

    `x` and `ref` are (B, 3, H, W) in [-1, 1]. Without a network the key "lpips" is absent: a
    measure that cannot be had is missing, never a number.
    """
    values = {"psnr": psnr(x, ref), "ssim": ssim(x, ref)}
    if lpips is not None:
        values["lpips"] = lpips(x, ref)
    return {name: value.tolist() for name, value in values.items()}
