"""Error bars: how far from the truth the mean of several samples is, as their spread tells."""

import torch.nn.functional as F
from torch import Tensor

WINDOW = 5  # pixels of a side, over which a variance is pooled: of few samples it is itself noisy


def expected_error(samples: Tensor, window: int = WINDOW) -> Tensor:
    """The standard deviation of the truth about the samples' mean, were it one more sample.

    `sqrt((1 + 1/K) smooth(var))`, the variance of K - 1 degrees of freedom, averaged over the
    `window x window` pixels around each (fewer at the borders).

    Args:
        samples: (K, B, C, H, W), K >= 2. window: odd.

    Returns:
        (B, C, H, W), in the units of the image.

    Raises:
        ValueError: for fewer than two samples, or an even window.
    """
    if samples.ndim != 5 or len(samples) < 2:
        raise ValueError(
            f"expected_error: need at least 2 samples (K, B, C, H, W), got {tuple(samples.shape)}"
        )
    if window < 1 or window % 2 == 0:
        raise ValueError(f"expected_error: window must be odd and positive, got {window}")
    variance = samples.var(0) * (1 + 1 / len(samples))
    around = F.avg_pool2d(variance, window, 1, window // 2, count_include_pad=False)
    return around.clamp(min=0).sqrt()


def relative_error(samples: Tensor, truth: Tensor, window: int = WINDOW) -> Tensor:
    """The mean's error in units of the expected one, `|mean - truth| / expected_error`.

    Infinite where the samples agree to the last bit and are wrong, 0 where they agree and are
    right. Its quantile of order q over pictures whose truth is known is the factor by which an
    expected error has to be widened to hold a share q of the pixels (split conformal prediction).

    Args:
        samples: (K, B, C, H, W). truth: (B, C, H, W).

    Raises:
        ValueError: as `expected_error`, and for a truth of another shape.

    Reference: Angelopoulos et al., 2022, arXiv:2202.05265 (the factor).
    """
    if samples.shape[1:] != truth.shape:
        raise ValueError(
            f"relative_error: the truth must be {tuple(samples.shape[1:])} as the samples, got "
            f"{tuple(truth.shape)}"
        )
    error = (samples.mean(0) - truth).abs()
    return (error / expected_error(samples, window)).nan_to_num(nan=0.0, posinf=float("inf"))
