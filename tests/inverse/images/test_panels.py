"""Panels: what stands where, which tensors can be shown, and the scale of the error map."""

import numpy as np
import pytest
import torch

from inverse.images import (
    MAGMA,
    Tile,
    anytime_strip,
    error_tile,
    panel,
    progress,
    sample_photograph,
)

SIZE = 64
GAP = 4


def tile(image, title="", caption=""):
    return Tile(title, image, caption)


def pixels(picture):
    return np.asarray(picture).astype(int)


@pytest.mark.parametrize("shape", [(1, 9, 5), (3, 64, 64), (3, 16, 16), (3, 100, 300), (4, 7, 7)])
def test_any_image_shape_gives_the_same_layout(shape):
    picture = panel([tile(torch.zeros(shape)), tile(torch.zeros(3, SIZE, SIZE))], size=SIZE)
    assert picture.width == GAP + 2 * (SIZE + GAP)
    middle = pixels(picture)[picture.height // 2, [GAP + SIZE // 2, 2 * GAP + SIZE + SIZE // 2]]
    assert abs(middle - 128).max() <= 1


def test_small_images_are_enlarged_by_repetition():
    low = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).expand(3, 2, 2)
    seen = pixels(panel([tile(low)], size=SIZE))[..., 0]
    top = (seen.shape[0] - SIZE) // 2
    square = seen[top : top + SIZE, GAP : GAP + SIZE]
    half = SIZE // 2
    assert (square[: half - GAP, :half] == 0).all() and (square[: half - GAP, half:] == 255).all()


def test_labels_take_room_and_draw_ink():
    image = torch.ones(3, SIZE, SIZE)
    bare, labelled = (panel([tile(image, *t)], size=SIZE) for t in ((), ("truth", "24.3 dB")))
    assert labelled.height > bare.height
    assert pixels(labelled).min() < 100 and pixels(bare).min() == 255


def test_a_long_caption_stays_inside_its_picture():
    image = torch.ones(3, SIZE, SIZE)
    seen = pixels(panel([tile(image, "", "a caption far too long " * 4)] * 2, size=SIZE))
    assert (seen[:, :GAP] == 255).all()
    assert (seen[:, GAP + SIZE : 2 * GAP + SIZE] == 255).all()


def test_anytime_strip_wraps():
    tiles = [tile(torch.zeros(3, 8, 8), caption=progress(i, 0.1 * i)) for i in range(7)]
    strip = anytime_strip(tiles, columns=3, size=SIZE)
    assert strip.width == GAP + 3 * (SIZE + GAP) and strip.height > 3 * SIZE


def test_progress_caption():
    assert progress(12, 3.14, 24.27) == "NFE 12 · 3.1 s · 24.3 dB"
    assert progress(12, 3.14) == "NFE 12 · 3.1 s"


def test_error_map_scale_is_fixed_and_stated():
    truth = torch.zeros(3, 1, 3)
    x = torch.tensor([0.0, 0.25, 0.9]).expand(3, 1, 3)
    shown = error_tile(x, truth, peak=0.5)
    levels = ((shown.image + 1) * 127.5).round()[:, 0].T.tolist()
    assert levels == [list(map(float, MAGMA[i])) for i in (0, 4, 8)]
    assert shown.caption == "|x - truth|, 0 to 25 % of range"


def test_error_map_shows_nan_as_the_largest_error():
    x = torch.full((3, 2, 2), torch.nan)
    assert torch.isfinite(error_tile(x, torch.zeros(3, 2, 2)).image).all()


def test_panel_leaves_its_tensors_alone():
    x = sample_photograph("coffee", size=32)
    before = x.clone()
    panel([tile(x), error_tile(x, x * 0.5)], size=SIZE)
    assert torch.equal(x, before)


@pytest.mark.parametrize("rows", [[], [[]]])
def test_nothing_to_show(rows):
    with pytest.raises(ValueError, match="at least one"):
        panel(*rows)


def test_a_vector_must_be_back_projected_by_the_caller():
    with pytest.raises(ValueError, match="back-project"):
        panel([tile(torch.zeros(100))])
