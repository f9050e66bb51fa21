"""Tiny latent pipelines on disk, as diffusers saves them; those with text need transformers."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from tests.inverse import latent_cases as cases


def ldm(folder: Path) -> Path:
    """An unconditional latent diffusion model: a VQ autoencoder of factor 2, no text."""
    import diffusers

    vq = cases.seeded(
        lambda: diffusers.VQModel(
            block_out_channels=(8, 8), norm_num_groups=4, num_vq_embeddings=64,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=3, scaling_factor=0.8,
        )
    )  # fmt: skip
    net = cases.seeded(
        lambda: diffusers.UNet2DModel(
            sample_size=16, block_out_channels=(8, 8), norm_num_groups=4, layers_per_block=1,
            down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
        )
    )  # fmt: skip
    scheduler = diffusers.DDIMScheduler(beta_schedule="scaled_linear", beta_end=0.0155)
    diffusers.LDMPipeline(vqvae=vq, unet=net, scheduler=scheduler).save_pretrained(folder)
    return folder


def text_encoder(folder: Path, kind: str = "CLIPTextModel"):
    """A CLIP text encoder of 12 channels, and a tokenizer of single letters."""
    import transformers

    folder.mkdir(parents=True)
    letters = [chr(c) for c in range(97, 123)]
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16
    )
    config = transformers.CLIPTextConfig(
        vocab_size=len(words), hidden_size=12, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=16, projection_dim=10,
        bos_token_id=len(words) - 2, eos_token_id=len(words) - 1, pad_token_id=len(words) - 1,
    )  # fmt: skip
    return cases.seeded(lambda: getattr(transformers, kind)(config)), tokenizer


def stable(folder: Path, lcm: bool = False) -> Path:
    """A Stable Diffusion pipeline, or a latent consistency model."""
    import diffusers

    encoder, tokenizer = text_encoder(folder.with_name(f"{folder.name}-text"))
    scheduler = diffusers.LCMScheduler() if lcm else diffusers.PNDMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, skip_prk_steps=True
    )  # fmt: skip
    kind = diffusers.LatentConsistencyModelPipeline if lcm else diffusers.StableDiffusionPipeline
    kind(
        vae=cases.vae(), text_encoder=encoder, tokenizer=tokenizer, scheduler=scheduler,
        unet=cases.unet(**({"time_cond_proj_dim": 6} if lcm else {})),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def inpainting(folder: Path) -> Path:
    """A Stable Diffusion pipeline whose network takes a mask and the masked latents too."""
    import diffusers

    encoder, tokenizer = text_encoder(folder.with_name(f"{folder.name}-text"))
    scheduler = diffusers.DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False,
        set_alpha_to_one=True, timestep_spacing="trailing",
    )  # fmt: skip
    diffusers.StableDiffusionInpaintPipeline(
        vae=cases.vae(), text_encoder=encoder, tokenizer=tokenizer, scheduler=scheduler,
        unet=cases.unet(in_channels=9), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def stable_xl(folder: Path) -> Path:
    """An SDXL pipeline: two text encoders (12 channels each), the second also pooled."""
    import diffusers

    first, tokenizer = text_encoder(folder.with_name(f"{folder.name}-text"))
    second, other = text_encoder(
        folder.with_name(f"{folder.name}-text2"), "CLIPTextModelWithProjection"
    )
    net = cases.unet(
        cross_attention_dim=24, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 10,
    )  # fmt: skip
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012
    )
    diffusers.StableDiffusionXLPipeline(
        vae=cases.vae(scaling_factor=0.13025), text_encoder=first, text_encoder_2=second,
        tokenizer=tokenizer, tokenizer_2=other, unet=net, scheduler=scheduler,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def wan(folder: Path, **changes) -> Path:
    """A Wan pipeline of clips: a T5 text encoder of 8 channels, the scheduler of its releases."""
    import diffusers
    import tokenizers
    import transformers

    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "b": 4, "c": 5}
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    config = transformers.UMT5Config(
        vocab_size=len(words), d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2
    )
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    parts = dict(
        vae=cases.wan_vae(), transformer=cases.wan_transformer(), scheduler=scheduler,
        text_encoder=cases.seeded(lambda: transformers.UMT5EncoderModel(config)),
        tokenizer=tokenizer,
    )  # fmt: skip
    diffusers.WanPipeline(**(parts | changes)).save_pretrained(folder)
    return folder


def sampled(pipeline, **settings) -> torch.Tensor:
    """What the pipeline itself draws from fixed noise, as latents."""
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(4))
    return pipeline(
        height=32, width=32, latents=noise, output_type="latent", **settings
    ).images, noise


TEXT = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="transformers is not installed"
)
