"""Each nonlinear operator against an independent implementation, and its own errors."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate

from operators import (
    JPEG,
    Blur,
    Clip,
    Downsample,
    Gamma,
    Identity,
    Module,
    PhaseRetrieval,
    Quantise,
    WalshHadamard,
    gamma,
    hdr,
    jpeg,
    kernels,
    phase_retrieval,
    quantise,
    stack,
)
from operators.nonlinear.pointwise import rounded

SHAPE = (3, 8, 16)


def image(shape=SHAPE, batch=2, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(batch, *shape, generator=generator, dtype=dtype) * 2 - 1


@pytest.mark.parametrize("oversample, pads", [(2.0, (2, 4)), (3.0, (3, 6)), (0.0, (0, 0))])
@pytest.mark.parametrize("intensity", [False, True])
def test_phase_retrieval_against_numpy(oversample, pads, intensity):
    operator = phase_retrieval(SHAPE, oversample, intensity).double()
    x = image()
    rows, columns = ((p, p) for p in pads)
    padded = np.pad((x.numpy() + 1) / 2, ((0, 0), (0, 0), rows, columns))
    centred = np.fft.ifftshift(padded, (2, 3))
    want = np.abs(np.fft.fftshift(np.fft.fft2(centred, norm="ortho"), (2, 3)))
    assert np.allclose(operator(x).numpy(), want**2 if intensity else want, atol=1e-12)


def test_phase_retrieval_sizes_energy_and_symmetry():
    assert phase_retrieval((3, 256, 256)).out_shape == (3, 384, 384)
    assert phase_retrieval((1, 13, 9), 2.0).out_shape == (1, 19, 13)
    operator, x = PhaseRetrieval(SHAPE).double(), image()
    energy = ((x + 1) / 2).square().sum((2, 3))
    assert torch.allclose(operator(x).square().sum((2, 3)), energy)
    assert torch.allclose(operator(x.rot90(2, (2, 3))), operator(x))


def test_phase_retrieval_has_a_finite_gradient_where_the_amplitude_is_zero():
    operator = PhaseRetrieval(SHAPE)
    for x in (torch.full((1, *SHAPE), -1.0), torch.zeros(1, *SHAPE)):
        grad = operator.vjp(x, torch.ones(1, *operator.out_shape))
        assert torch.isfinite(grad).all()
    black = torch.full((1, *SHAPE), -1.0)
    grad = operator.vjp(black, torch.ones(1, *operator.out_shape))
    assert torch.equal(grad, torch.zeros_like(grad))


def test_phase_retrieval_picture_and_errors():
    operator = PhaseRetrieval(SHAPE)
    shown = operator.picture(operator(image(dtype=torch.float32)))
    assert float(shown.min()) >= -1 and shown.flatten(1).amax(1).tolist() == pytest.approx([1, 1])
    assert torch.isfinite(operator.picture(torch.zeros(1, *operator.out_shape))).all()
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="PhaseRetrieval: oversample"):
            PhaseRetrieval(SHAPE, bad)
    with pytest.raises(ValueError, match="image_shape"):
        PhaseRetrieval((8, 8))


def test_clip():
    x = image() * 1.5
    want = np.clip(2 * x.numpy(), -1, 1)
    assert np.array_equal(hdr(SHAPE).double()(x).numpy(), want)
    inside = (x.abs() < 0.5).double()
    assert torch.equal(hdr(SHAPE).double().vjp(x, torch.ones_like(x)), 2 * inside)
    for bad in (0.0, -1.0, float("nan"), "loud", torch.ones(2, 2)):
        with pytest.raises(ValueError, match="Clip: gain"):
            Clip(SHAPE, bad)
    with pytest.raises(ValueError, match="low must be below high"):
        Clip(SHAPE, 1.0, 0.5, 0.5)


@pytest.mark.parametrize("power", [0.3, 1 / 2.2, 1.0, 2.2])
def test_gamma(power):
    operator = gamma(SHAPE, power).double()
    x = image()
    bright = (x + 1) / 2 >= 1 / 1024
    want = 2 * ((x + 1) / 2) ** power - 1
    assert torch.allclose(operator(x)[bright], want[bright], atol=1e-12)
    line = torch.linspace(-1.5, 1.5, 100_001, dtype=torch.float64)[None]
    curve = Gamma((100_001,), power).double()
    assert bool((curve(line)[0].diff() > 0).all())
    slope = curve.vjp(line, torch.ones_like(line)).detach()
    steepest = max(1024 ** (1 - power), power * 1.25 ** (power - 1))
    assert bool((slope > 0).all()) and float(slope.max()) <= steepest * (1 + 1e-9)
    ends = Gamma((2,), power)(torch.tensor([[-1.0, 1.0]]))
    assert torch.allclose(ends, torch.tensor([[-1.0, 1.0]]))
    with pytest.raises(ValueError, match="Gamma: gamma must be finite and above 0"):
        Gamma(SHAPE, 0.0)


@pytest.mark.parametrize("bits", [1, 2, 8, 16])
def test_quantise_bits(bits):
    x, levels = image() * 1.2, 2**bits - 1
    y = quantise(SHAPE, bits=bits).double()(x)
    want = np.floor((np.clip(x.numpy(), -1, 1) + 1) / 2 * levels + 0.5) / levels * 2 - 1
    assert np.allclose(y.numpy(), want, atol=1e-12) and len(y.unique()) <= 2**bits
    operator = Quantise(SHAPE, bits=bits).double()
    inside = (x.abs() <= 1).double()
    assert torch.allclose(operator.vjp(x, x), x * inside)


def test_quantise_step():
    x = image() * 3
    operator = Quantise(SHAPE, step=0.25).double()
    assert torch.equal(operator(x) * 4, (operator(x) * 4).round())
    assert float((operator(x) - x).abs().max()) <= 0.125
    assert torch.allclose(operator.vjp(x, x), x)
    assert torch.equal(operator(operator(x)), operator(x))


def test_bad_quantisers():
    for bits, step in ((None, None), (3, 0.1)):
        with pytest.raises(ValueError, match="bits or step"):
            Quantise(SHAPE, bits, step)
    for bits in (0, 17, 2.5):
        with pytest.raises(ValueError, match="bits must be"):
            Quantise(SHAPE, bits)
    for step in (0.0, -1.0, float("nan"), [0.1, 0.2]):
        with pytest.raises(ValueError, match="Quantise: step"):
            Quantise(SHAPE, step=step)


def test_rounding():
    x = torch.tensor([-1.5, -0.5, -0.4, 0.0, 0.3, 0.5, 2.5, 7.49, 0.4999], requires_grad=True)
    assert rounded(x).tolist() == [-2, -1, 0, 0, 0, 1, 3, 7, 0]
    assert rounded(x, 1e-3).tolist()[-1] == 1 and rounded(x, -1e-3).tolist()[5] == 0
    (grad,) = torch.autograd.grad((rounded(x) * torch.arange(9)).sum(), x)
    assert torch.equal(grad, torch.arange(9.0))


def photograph(height=96, width=80, channels=3):
    """Smooth shapes, an edge and some texture, 8 bits: (H, W, C)."""
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(x / (9 + 4 * c)) * np.cos(y / (13 - 3 * c)) * 60 + 110 for c in range(3)]
    texture = np.random.default_rng(0).normal(0, 6, (height, width, 3))
    pixels = np.stack(planes, 2) + 50 * (x > y)[..., None] + texture
    pixels = pixels if channels == 3 else pixels[..., :1]
    return pixels.clip(0, 255).astype(np.uint8)


def to_batch(pixels):
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 127.5 - 1


def libjpeg(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, "jpeg", quality=quality)
    decoded = np.asarray(Image.open(buffer), dtype=float)
    return torch.from_numpy(decoded.reshape(pixels.shape)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 75, 95])
@pytest.mark.parametrize("shape", [(96, 80, 3), (50, 61, 3), (50, 61, 1)], ids=str)
def test_jpeg_is_libjpeg_s(quality, shape):
    pixels = photograph(*shape)
    y = jpeg((shape[2], *shape[:2]), quality)(to_batch(pixels))
    grey = (y.double() + 1) * 127.5
    assert torch.allclose(grey, grey.round(), atol=1e-3)
    error = (grey - libjpeg(pixels, quality)).abs()
    lost = (libjpeg(pixels, quality) - (to_batch(pixels).double() + 1) * 127.5).abs()
    assert float(error.mean()) < min(0.8, 0.4 * float(lost.mean()))
    assert float((error <= 4).double().mean()) > 0.95


def test_jpeg_per_sample_and_precision():
    x = torch.cat([to_batch(photograph(64, 64))] * 3)
    whole = JPEG((3, 64, 64), [10, 50, 90])(x)
    for i, quality in enumerate([10, 50, 90]):
        assert torch.equal(JPEG((3, 64, 64), quality)(x[i : i + 1]), whole[i : i + 1])
    exact = JPEG((3, 64, 64), [10, 50, 90]).double()(x.double())
    assert float((whole - exact).abs().mean()) < 1e-3


def test_the_gradient_of_jpeg_is_that_of_smoothing_the_chroma():
    operator = JPEG((1, 16, 16), 20).double()
    x, v = image((1, 16, 16)) * 0.5, image((1, 16, 16))
    assert torch.allclose(operator.vjp(x, v), v, atol=1e-10)

    def smoothed(x):
        matrix, back = colour.colour, colour.back
        x = torch.einsum("ij,bjhw->bihw", matrix, x)
        low = interpolate(avg_pool2d(x[:, 1:], 2), scale_factor=2.0, mode="bilinear")
        return torch.einsum("ij,bjhw->bihw", back, torch.cat([x[:, :1], low], 1))

    colour = JPEG((3, 16, 32), 60).double()
    x, v = image((3, 16, 32)) * 0.3, image((3, 16, 32))
    leaf = x.clone().requires_grad_()
    (want,) = torch.autograd.grad(smoothed(leaf), leaf, v)
    assert torch.allclose(colour.vjp(x, v), want, atol=1e-10)


def test_bad_codecs():
    with pytest.raises(ValueError, match="1 or 3 channels"):
        JPEG((2, 8, 8), 10)
    for bad in (0, 101, float("nan"), [10, 0], "low"):
        with pytest.raises(ValueError, match="JPEG: quality"):
            JPEG((3, 8, 8), bad)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.Dropout(0.5), nn.ReLU(inplace=True))


def test_a_module_is_held_as_a_frozen_copy():
    mine = network()
    operator = Module(mine, SHAPE)
    x = image(dtype=torch.float32)
    assert operator.out_shape == (2, 6, 14) and "Sequential" in repr(operator)
    want = mine.eval()(x)
    mine.train()
    assert torch.equal(operator(x), want)
    with torch.no_grad():
        mine[0].weight.zero_()
    operator.train()
    (operator @ Identity(SHAPE)).train()
    assert torch.equal(operator(x), want)
    assert mine.training and all(p.requires_grad for p in mine.parameters())
    assert not any(p.requires_grad for p in operator.parameters())


def test_a_module_follows_to_and_brings_its_own_dtype():
    mine = network()
    operator = Module(mine, SHAPE).double()
    assert operator(image()).dtype == torch.float64 and mine[0].weight.dtype == torch.float32
    double = Module(network().double(), SHAPE)
    assert double.anchor.dtype == torch.float64
    assert torch.equal(double(image()).float(), operator(image()).float())
    with pytest.raises(ValueError, match="Module.*float64"):
        double(image(dtype=torch.float32))


def test_a_module_may_work_in_place():
    operator = Module(nn.ReLU(inplace=True), SHAPE)
    x = image(dtype=torch.float32)
    copy = x.clone()
    assert torch.equal(operator(x), copy.relu()) and torch.equal(x, copy)
    assert torch.equal(operator.vjp(x, x), x * (x > 0)) and torch.equal(x, copy)


class Odd(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer(x)


def test_bad_modules():
    answers = {
        "sums over the batch": lambda x: x.sum(0, keepdim=True),
        "no tensor": lambda x: (x, x),
        "one number": lambda x: x.sum(),
        "no values": lambda x: x.flatten(1).sum(1),
        "another dtype": lambda x: x.double(),
    }
    for answer in answers.values():
        with pytest.raises(ValueError, match=r"Module: Odd must give .* batch of two"):
            Module(Odd(answer), SHAPE)
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 8\).*got \(2, 3, 8, 16\)"):
        Module(nn.Tanh(), SHAPE, (3, 8, 8))


BLUR = Blur(SHAPE, kernels.gaussian(3, 0.8)).double()
CHAINS = {
    "linear after": lambda: BLUR @ Gamma(SHAPE, 2.2).double(),
    "linear before": lambda: Clip(SHAPE, 2.0).double() @ BLUR,
    "both": lambda: Downsample(SHAPE, 2).double() @ Clip(SHAPE, 2.0).double() @ BLUR,
    "a transpose": lambda: BLUR.T @ Clip(SHAPE, 2.0).double() @ BLUR,
    "a multiple": lambda: 3 * BLUR @ Gamma(SHAPE, 0.5).double(),
    "two": lambda: PhaseRetrieval(SHAPE).double() @ Gamma(SHAPE, 2.2).double(),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_follow_the_chain_rule(name):
    chain = CHAINS[name]()
    x, v = image(), image(chain.out_shape)
    parts, inside = [], chain
    while hasattr(inside, "inner") and type(inside).__name__ == "Chain":
        parts.append(inside.outer)
        inside = inside.inner
    parts = [*parts, inside][::-1]
    states = [x]
    for part in parts:
        states.append(part(states[-1]))
    assert torch.equal(chain(x), states[-1])
    for part, state in zip(parts[::-1], states[-2::-1], strict=True):
        v = part.vjp(state, v)
    assert torch.allclose(chain.vjp(x, image(chain.out_shape)), v)


def test_chains_that_do_not_fit():
    with pytest.raises(ValueError, match=r"Clip.*@.*Downsample.*not the left"):
        Clip(SHAPE, 2.0) @ Downsample(SHAPE, 2)
    with pytest.raises(ValueError, match=r"Downsample.*@.*PhaseRetrieval.*not the left"):
        Downsample(SHAPE, 2) @ PhaseRetrieval(SHAPE)
    with pytest.raises(ValueError, match="dtype"):
        Clip(SHAPE, 2.0) @ BLUR
    with pytest.raises(ValueError, match="batches"):
        Clip(SHAPE, [1.0, 2.0]) @ Gamma(SHAPE, [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="stack: Clip.* must be a linear operator"):
        stack([Clip(SHAPE, 2.0), Identity(SHAPE)])
    with pytest.raises(TypeError):
        2 * Clip(SHAPE, 2.0)


def test_pictures():
    x = image(dtype=torch.float32)
    assert Clip(SHAPE, 2.0).picture(x) is x
    vector = WalshHadamard((3, 8, 16), 0.5)
    back = vector.picture(vector(x))
    assert back.shape == x.shape and torch.equal(back, vector.pinv(vector(x)))
    few = Quantise((3, 64), bits=2) @ vector
    assert few.picture(few(x)).shape == (2, 1, 1, 192)
    assert (PhaseRetrieval(SHAPE) @ Identity(SHAPE)).picture(torch.ones(1, 3, 12, 24)).max() == 1
