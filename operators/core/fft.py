"""The transforms of `torch.fft` for every batch, an empty one too.

Some builds of torch (2.14 with MKL) refuse to transform a batch of none, so nothing else in the
package calls those of `torch.fft`. Arguments and results are torch's; the first axis is the batch.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import torch
from torch import Tensor

P = ParamSpec("P")
Transform = Callable[Concatenate[Tensor, P], Tensor]


def _of_any_batch(transform: Transform[P]) -> Transform[P]:
    @wraps(transform)
    def call(x: Tensor, /, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        if x.shape[0]:
            return transform(x, *args, **kwargs)
        one = x.new_zeros(1, *x.shape[1:])  # so that torch itself says what shape comes out
        return transform(torch.cat([x, one]), *args, **kwargs)[:0]

    return call


fft2 = _of_any_batch(torch.fft.fft2)
ifft2 = _of_any_batch(torch.fft.ifft2)
rfft2 = _of_any_batch(torch.fft.rfft2)
irfft2 = _of_any_batch(torch.fft.irfft2)
rfft = _of_any_batch(torch.fft.rfft)
irfft = _of_any_batch(torch.fft.irfft)
