"""What a network is told beside the state: a prompt, as its pipeline's text encoders write it."""

import inspect
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Condition(NamedTuple):
    """An encoded prompt: `hidden` (1, L, D), a vector per token; `pooled` (1, P), if any."""

    hidden: Tensor
    pooled: Tensor | None = None

    def beside(self, other: "Condition", count: int) -> "Condition":
        """`count` rows of this, then `count` of the other, (2 count, L, D) and (2 count, P)."""

        def rows(a: Tensor, b: Tensor) -> Tensor:
            return torch.cat([part.expand(count, *part.shape[1:]) for part in (a, b)])

        hidden = rows(self.hidden, other.hidden)
        if self.pooled is None or other.pooled is None:
            return Condition(hidden)
        return Condition(hidden, rows(self.pooled, other.pooled))


@torch.no_grad()
def encoded_pair(pipeline: Any, prompt: str, negative: str = "") -> tuple[Condition, Condition]:
    """The prompt and the negative prompt as a diffusers pipeline's own `encode_prompt` has them.

    The empty negative prompt is what the pipeline makes of none (zeros, for some of SDXL).
    """
    takes = inspect.signature(pipeline.encode_prompt).parameters
    words = {name: None for name in ("prompt_2", "prompt_3") if name in takes}
    settings: dict[str, Any] = {"device": torch.device("cpu")}
    if "num_images_per_prompt" in takes:
        settings["num_images_per_prompt"] = 1
    if (length := "max_sequence_length") in takes:  # that of a call, which may be another
        settings[length] = inspect.signature(type(pipeline).__call__).parameters[length].default
    if "negative_prompt" not in takes:  # Flux: one at a time
        pair = (pipeline.encode_prompt(text, **words, **settings) for text in (prompt, negative))
        first, second = (Condition(hidden, pooled) for hidden, pooled, _ in pair)
        return first, second
    found = pipeline.encode_prompt(
        prompt, **words, **settings, do_classifier_free_guidance=True,
        negative_prompt=negative or None,
    )  # fmt: skip
    if len(found) == 2:
        return Condition(found[0]), Condition(found[1])
    return Condition(found[0], found[2]), Condition(found[1], found[3])
