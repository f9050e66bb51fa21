"""Outpainting, text, channel-wise masks and the Bayer mosaic."""

import pytest
import torch

from operators import Bayer, bayer, inpaint_outpaint, inpaint_random, inpaint_text, kernels, masks
from operators.masks._bayer import PATTERNS
from tests.operators.counting import ops
from tests.operators.operator_cases import close

SHAPE = (3, 8, 10)


def image(shape=SHAPE, batch=2):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0))


def test_outpainting_keeps_the_middle_only():
    mask = masks.outpaint((3, 8, 12))
    assert mask.dtype == torch.bool and int(mask.sum()) == 24 and mask[2:6, 3:9].all()
    assert torch.equal(masks.outpaint((3, 8, 12), 2, 4), ~masks.box((3, 8, 12), 2, 4))
    assert inpaint_outpaint((3, 8, 12), height=2, width=4).measured == 3 * 8
    with pytest.raises(ValueError, match="mask: a box of"):
        masks.outpaint((3, 8, 12), 8, 12)


def test_channelwise_masks_draw_every_value_by_itself():
    mask = masks.random(SHAPE, 0.25, 3, channelwise=True)
    assert mask.shape == SHAPE and int(mask.sum()) == 60
    assert not torch.equal(mask[0], mask[1]) and not torch.equal(mask[1], mask[2])
    assert torch.equal(mask, masks.random(SHAPE, 0.25, 3, True))
    assert not torch.equal(mask, masks.random(SHAPE, 0.25, 4, True))
    together = masks.random(SHAPE, 0.25, 3)
    assert together.shape == SHAPE[1:]
    operator = inpaint_random(SHAPE, keep=0.25, seed=3, channelwise=True)
    assert operator.measured == 60 and torch.equal(operator.mask[0] > 0, mask)


def test_text_covers_the_whole_image_and_little_of_it():
    mask = masks.text((3, 128, 160))
    lost = ~mask
    assert mask.dtype == torch.bool and mask.shape == (128, 160)
    assert 0.05 < float(lost.float().mean()) < 0.35
    for rows in (slice(0, 32), slice(48, 80), slice(96, 128)):
        for columns in (slice(0, 40), slice(60, 100), slice(120, 160)):
            assert lost[rows, columns].any()
    assert torch.equal(mask, masks.text((3, 128, 160)))
    assert not torch.equal(mask, masks.text((3, 128, 160), "other words"))
    assert not torch.equal(mask, masks.text((3, 128, 160), size=40))
    assert inpaint_text((3, 32, 32), words="x").measured < 3 * 32 * 32


@pytest.mark.parametrize("bad", [{"words": ""}, {"words": "  "}, {"size": 0}])
def test_wrong_text(bad):
    with pytest.raises(ValueError, match="mask: size must be 1 or more and words not empty"):
        masks.text(SHAPE, **bad)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_mosaic_is_kornias(pattern):
    raw = pytest.importorskip("kornia.color.raw")
    named = {"RGGB": "BG", "BGGR": "RG", "GRBG": "GB", "GBRG": "GR"}[pattern]  # kornia's, offset
    x = image()
    close(Bayer(SHAPE, pattern)(x), raw.rgb_to_raw(x, getattr(raw.CFA, named)), 1e-7)


def test_the_mosaic_by_hand():
    x = image((3, 5, 3))
    y = bayer((3, 5, 3), "GBRG")(x)[:, 0]
    assert torch.equal(y[:, ::2, ::2], x[:, 1, ::2, ::2])
    assert torch.equal(y[:, ::2, 1::2], x[:, 2, ::2, 1::2])
    assert torch.equal(y[:, 1::2, ::2], x[:, 0, 1::2, ::2])
    assert torch.equal(y[:, 1::2, 1::2], x[:, 1, 1::2, 1::2])


def test_demosaicing_solves_pixel_by_pixel():
    operator, x = bayer(SHAPE).double(), image().double()
    y = operator(image(batch=2).double() + 1)
    assert operator.measured == 80 and operator.closed_form and operator.norm() == 1
    close(operator(operator.pinv(y)), y, 1e-15)
    z = operator.prox(x, y, 0.5)
    close(operator(z), (y + 0.5 * operator(x)) / 1.5, 1e-15)
    assert torch.equal(z[operator.mask.expand_as(z) == 0], x[operator.mask.expand_as(x) == 0])


def test_the_mosaic_is_lean_and_never_waits_for_the_device():
    operator, x, lam = bayer(SHAPE), image(), torch.ones(2)
    y = operator(x)
    assert ops(lambda: operator.adjoint(y)) == 1 == ops(lambda: operator.pinv(y))
    assert ops(lambda: operator.gram_solve(x, lam)) == 2
    assert ops(lambda: operator.prox(x, y, lam)) == 3


def test_wrong_mosaics():
    with pytest.raises(ValueError, match="Bayer: the image must have 3 channels"):
        bayer((1, 8, 8))
    with pytest.raises(ValueError, match="Bayer: pattern must be one of RGGB.*got 'RGB'"):
        bayer(SHAPE, "RGB")


def test_drawing_masks_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    masks.random(SHAPE, channelwise=True), masks.text((3, 32, 32)), kernels.anisotropic()
    assert torch.equal(before, torch.get_rng_state())
