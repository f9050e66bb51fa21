"""Tiny random latent models of every kind, built from configurations, and linear autoencoders."""

import functools

import torch
from torch import Tensor, nn

from inverse.levels import Discrete, Flow
from inverse.priors.autoencoder import Autoencoder
from inverse.priors.latent import VAE, Condition, LatentPrior
from operators.core.matrix import MatrixOperator

PIXELS = (3, 32, 32)


def seeded(make):
    """The module that ``make`` builds from seed 0, no weight of it zero, ready to evaluate."""
    torch.manual_seed(0)
    module = make()
    for p in module.parameters():
        p.data += 0.02 * torch.randn(p.shape)
    return module.eval().requires_grad_(False)


def vae(channels: int = 4, **config) -> nn.Module:
    from diffusers import AutoencoderKL

    return seeded(
        lambda: AutoencoderKL(
            latent_channels=channels,
            block_out_channels=(8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 3,
            up_block_types=("UpDecoderBlock2D",) * 3,
            norm_num_groups=4,
            sample_size=32,
            **config,
        )
    )


def unet(**config) -> nn.Module:
    from diffusers import UNet2DConditionModel

    blocks = {
        "sample_size": 8,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 12,
        "attention_head_dim": 4,
        "norm_num_groups": 4,
    }
    return seeded(lambda: UNet2DConditionModel(**(blocks | config)))


def sdxl_unet() -> nn.Module:
    return unet(
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 10,
    )


def sd3_transformer() -> nn.Module:
    from diffusers import SD3Transformer2DModel

    return seeded(
        lambda: SD3Transformer2DModel(
            sample_size=8,
            patch_size=1,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=12,
            caption_projection_dim=16,
            pooled_projection_dim=10,
            out_channels=4,
            pos_embed_max_size=16,
        )
    )


def flux_transformer(told: bool = True) -> nn.Module:
    from diffusers import FluxTransformer2DModel

    return seeded(
        lambda: FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=12,
            pooled_projection_dim=10,
            guidance_embeds=told,
            axes_dims_rope=(4, 4, 8),
        )
    )


def wan_vae() -> nn.Module:
    """A causal autoencoder of clips: factor 4, 4 frames a latent."""
    from diffusers import AutoencoderKLWan

    return seeded(
        lambda: AutoencoderKLWan(
            base_dim=4, z_dim=4, dim_mult=[1, 1, 1], num_res_blocks=1,
            temperal_downsample=[True, True], latents_mean=[0.1, 0.0, -0.1, 0.2],
            latents_std=[1.0, 2.0, 0.5, 1.5], scale_factor_spatial=4,
        )
    )  # fmt: skip


def wan_transformer(**config) -> nn.Module:
    from diffusers import WanTransformer3DModel

    return seeded(
        lambda: WanTransformer3DModel(
            num_attention_heads=2, attention_head_dim=12, out_channels=4, text_dim=8, freq_dim=16,
            ffn_dim=16, num_layers=1, rope_max_seq_len=32, **({"in_channels": 4} | config),
        )
    )  # fmt: skip


def condition(seed: int, pooled: bool = True) -> Condition:
    draw = torch.Generator().manual_seed(seed)
    hidden = torch.randn(1, 5, 12, generator=draw)
    return Condition(hidden, torch.randn(1, 10, generator=draw) if pooled else None)


def betas():
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False
    )
    return Discrete(scheduler.betas.double().tolist())


@functools.cache
def prior(kind: str, guidance: float = 1.0) -> LatentPrior:
    network, schedule, prediction = {
        "sd": (unet, betas, "epsilon"),
        "sd-v": (unet, betas, "v_prediction"),
        "sdxl": (sdxl_unet, betas, "epsilon"),
        "lcm": (lambda: unet(time_cond_proj_dim=6), betas, "epsilon"),
        "sd3": (sd3_transformer, Flow, "flow"),
        "flux": (flux_transformer, Flow, "flow"),
        "flux-true": (lambda: flux_transformer(False), Flow, "flow"),
    }[kind]
    shifted = {"scaling_factor": 1.5, "shift_factor": 0.06} if prediction == "flow" else {}
    return LatentPrior(
        network(), schedule(), prediction, VAE(vae(**shifted)),
        condition(1), condition(2), guidance, kind == "lcm",
    ).eval().requires_grad_(False)  # fmt: skip


class LinearAutoencoder(Autoencoder):
    """``D(z) = scale Q z`` with Q (N, n) of orthonormal columns, ``E(x) = Q^T x / scale``."""

    def __init__(self, latent: tuple[int, ...], shape: tuple[int, ...], scale: float = 1.0) -> None:
        super().__init__()
        self.latent, self.image, self.scale = latent, shape, scale
        rows, columns = (torch.Size(s).numel() for s in (shape, latent))
        draw = torch.randn(rows, columns, dtype=torch.float64,
                           generator=torch.Generator().manual_seed(5))  # fmt: skip
        self.q = torch.linalg.qr(draw)[0]

    def latent_shape(self, shape):
        return self.latent

    def encode(self, x: Tensor) -> Tensor:
        return (x.flatten(1) @ self.q.to(x) / self.scale).view(-1, *self.latent)

    def decode(self, z: Tensor) -> Tensor:
        return (z.flatten(1) @ self.q.to(z).T * self.scale).view(-1, *self.image)

    def decoder(self, shape, like):
        return Basis(self).to(like)


class Basis(MatrixOperator):
    """The linear decoder as a linear operator."""

    def __init__(self, autoencoder: LinearAutoencoder) -> None:
        self.image = autoencoder.image
        matrix = autoencoder.q * autoencoder.scale
        super().__init__(autoencoder.latent, (len(matrix),), matrix)
        self.out_shape = autoencoder.image

    def _cut(self, x):
        return x.flatten(1)

    def _join(self, parts):
        return parts.view(-1, *self.in_shape)

    def _forward(self, x):
        return super()._forward(x).view(-1, *self.image)

    def _adjoint(self, y):
        return super()._adjoint(y.flatten(1))

    def u(self, z):
        return super().u(z).view(-1, *self.image)

    def ut(self, y):
        return super().ut(y.flatten(1))
