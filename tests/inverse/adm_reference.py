"""The ADM U-Net in bare arithmetic, and random weights for it under their original names.

Written from Dhariwal and Nichol, 2021, arXiv:2105.05233, Appendix A, with the names of tensors of
the released checkpoints. A tensor is drawn when it is first asked for: one run makes the weights.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d


def silu(x: Tensor) -> Tensor:
    return x / (1 + torch.exp(-x))


@dataclass
class ADM:
    width: int = 32
    mult: tuple[float, ...] = (1, 2)
    layers: int = 1
    attended: tuple[int, ...] = (1,)  # levels
    updown: bool = True
    scale_shift: bool = True
    head_channels: int | None = 16
    heads: int | None = None
    new_order: bool = False
    classes: int | None = None
    image: int = 3
    out: int = 6
    state: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)

    def tensor(self, name: str, *shape: int, centre: float = 0.0) -> Tensor:
        if name not in self.state:
            scale = 0.3 if len(shape) == 1 else math.prod(shape[1:]) ** -0.5
            draw = torch.randn(shape, generator=self.generator, dtype=torch.float64)
            self.state[name] = (centre + scale * draw).float()
        return self.state[name].double()

    def linear(self, name: str, x: Tensor, out: int) -> Tensor:
        weight = self.tensor(f"{name}.weight", out, x.shape[1])
        return x @ weight.T + self.tensor(f"{name}.bias", out)

    def conv(self, name: str, x: Tensor, out: int, side: int = 3, stride: int = 1) -> Tensor:
        weight = self.tensor(f"{name}.weight", out, x.shape[1], side, side)
        bias = self.tensor(f"{name}.bias", out)
        return conv2d(x, weight, bias, stride=stride, padding=side // 2)

    def norm(self, name: str, x: Tensor) -> Tensor:
        groups = x.reshape(len(x), 32, -1)
        groups = groups - groups.mean(-1, keepdim=True)
        groups = groups / (groups.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        shape = (1, x.shape[1], *[1] * (x.ndim - 2))
        weight = self.tensor(f"{name}.weight", x.shape[1], centre=1.0)
        bias = self.tensor(f"{name}.bias", x.shape[1])
        return groups.reshape(x.shape) * weight.view(shape) + bias.view(shape)

    def embedding(self, t: Tensor, label: Tensor | None) -> Tensor:
        half, sinusoid = self.width // 2, self.width
        angles = t.double()[:, None] * 10000.0 ** (-torch.arange(half).double() / half)
        emb = torch.cat([angles.cos(), angles.sin()], 1)
        emb = self.linear("time_embed.0", emb, 4 * sinusoid)
        emb = self.linear("time_embed.2", silu(emb), 4 * sinusoid)
        if self.classes:
            emb = emb + self.tensor("label_emb.weight", self.classes, 4 * sinusoid)[label]
        return emb

    def block(self, name: str, x: Tensor, emb: Tensor, out: int, resample: str = "") -> Tensor:
        h = silu(self.norm(f"{name}.in_layers.0", x))
        h, x = resized(h, resample), resized(x, resample)
        h = self.conv(f"{name}.in_layers.2", h, out)
        e = self.linear(f"{name}.emb_layers.1", silu(emb), out * (1 + self.scale_shift))
        if self.scale_shift:
            scale, shift = e[:, :, None, None].chunk(2, 1)
            h = self.norm(f"{name}.out_layers.0", h) * (1 + scale) + shift
        else:
            h = self.norm(f"{name}.out_layers.0", h + e[:, :, None, None])
        h = self.conv(f"{name}.out_layers.3", silu(h), out)
        return h + (x if x.shape[1] == out else self.conv(f"{name}.skip_connection", x, out, 1))

    def attention(self, name: str, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        heads = self.heads or channels // self.head_channels
        size, flat = channels // heads, x.reshape(batch, channels, -1)
        weight = self.tensor(f"{name}.qkv.weight", 3 * channels, channels, 1)[..., 0]
        qkv = weight @ self.norm(f"{name}.norm", flat)
        qkv = qkv + self.tensor(f"{name}.qkv.bias", 3 * channels)[:, None]
        if self.new_order:
            q, k, v = (part.reshape(batch, heads, size, -1) for part in qkv.chunk(3, 1))
        else:
            q, k, v = qkv.reshape(batch, heads, 3, size, -1).unbind(2)
        weights = (torch.einsum("bhcs,bhct->bhst", q, k) / size**0.5).softmax(-1)
        a = torch.einsum("bhst,bhct->bhcs", weights, v).reshape(batch, channels, -1)
        a = self.tensor(f"{name}.proj_out.weight", channels, channels, 1)[..., 0] @ a
        a = a + self.tensor(f"{name}.proj_out.bias", channels)[:, None]
        return x + a.reshape(x.shape)

    def down(self, name: str, x: Tensor, emb: Tensor) -> Tensor:
        if self.updown:
            return self.block(name, x, emb, x.shape[1], "down")
        return self.conv(f"{name}.op", x, x.shape[1], stride=2)

    def up(self, name: str, x: Tensor, emb: Tensor) -> Tensor:
        if self.updown:
            return self.block(name, x, emb, x.shape[1], "up")
        return self.conv(f"{name}.conv", resized(x, "up"), x.shape[1])

    def __call__(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        emb, widths = self.embedding(t, label), [int(self.width * m) for m in self.mult]
        h = self.conv("input_blocks.0.0", x.double(), widths[0])
        kept, i, last = [h], 1, len(widths) - 1
        for level, width in enumerate(widths):
            for _ in range(self.layers):
                h = self.block(f"input_blocks.{i}.0", h, emb, width)
                h = self.attention(f"input_blocks.{i}.1", h) if level in self.attended else h
                kept, i = [*kept, h], i + 1
            if level < last:
                h = self.down(f"input_blocks.{i}.0", h, emb)
                kept, i = [*kept, h], i + 1
        h = self.block("middle_block.0", h, emb, widths[-1])
        h = self.block("middle_block.2", self.attention("middle_block.1", h), emb, widths[-1])
        i = 0
        for level, width in reversed(list(enumerate(widths))):
            for j in range(self.layers + 1):
                name, has = f"output_blocks.{i}", level in self.attended
                h = self.block(f"{name}.0", torch.cat([h, kept.pop()], 1), emb, width)
                h = self.attention(f"{name}.1", h) if has else h
                h = self.up(f"{name}.{1 + has}", h, emb) if level and j == self.layers else h
                i += 1
        return self.conv("out.2", silu(self.norm("out.0", h)), self.out)


def resized(x: Tensor, how: str) -> Tensor:
    if how == "up":
        return x.repeat_interleave(2, -1).repeat_interleave(2, -2)
    return avg_pool2d(x, 2) if how == "down" else x
