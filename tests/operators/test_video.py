"""Video against its frames measured one by one."""

import pytest
import torch

from operators import (
    FrameSkip,
    Framewise,
    Inpaint,
    LinearOperator,
    Operator,
    Temporal,
    TemporalAverage,
    blur_gaussian,
    downsample,
    exposure,
    frame_skip,
    framewise,
    masks,
    temporal_average,
    temporal_blur,
)

RGB = (3, 4, 6)


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_every_frame_is_measured_by_itself():
    inner, x = downsample((2, 4, 6), 2).double(), draw(3, 2, 5, 4, 6)
    video = framewise(inner, 5)
    y, lam = video(x), torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    assert y.shape == (3, 2, 5, 2, 3) and video.closed_form and video.measured == 5 * 12
    z = video.prox(x, 0 * y, lam)
    for t in range(5):
        assert torch.equal(y[:, :, t], inner(x[:, :, t]))
        assert torch.allclose(z[:, :, t], inner.prox(x[:, :, t], 0 * y[:, :, t], lam))


def test_a_mask_may_move_with_the_frames():
    several = torch.stack([masks.random(RGB, 0.5, seed)[None] for seed in range(5)])
    video, x = framewise(Inpaint(RGB, several), 5, per_frame=True), draw(2, 3, 5, 4, 6).float()
    assert video.batch is None and video.measured == 3 * int(several.sum())
    assert torch.equal(video(x), x * several.movedim(1, 0))
    assert video.select(slice(0, 1)) is video


class Square(Operator):
    def _forward(self, x):
        return x**2


def test_a_nonlinear_operator_stays_one():
    video, x = framewise(Square(RGB, RGB), 2), draw(2, 3, 2, 4, 6).float()
    assert isinstance(video, Framewise) and not isinstance(video, LinearOperator)
    assert torch.equal(video(x), x**2) and torch.equal(video.vjp(x, x), 2 * x * x)
    assert torch.equal(video.jvp(x, x), 2 * x * x)


def test_multiples_and_transposes_of_a_video_stay_closed():
    video = framewise(blur_gaussian(RGB, 3, 0.7), 2)
    assert all(operator.closed_form for operator in (2 * video, -video, video.T, (video * 3).T))


def test_frames_in_time():
    x = draw(2, 3, 6, 4, 5)
    mean = temporal_average((3, 6, 4, 5), 3).double()
    assert torch.allclose(mean(x), torch.stack([x[:, :, :3].mean(2), x[:, :, 3:].mean(2)], 2))
    skip = frame_skip((3, 6, 4, 5), 4).double()
    assert torch.equal(skip(x), x[:, :, [0, 4]])
    assert torch.equal(skip.pinv(skip(x))[:, :, [1, 2, 3, 5]], 0 * x[:, :, :4])
    whole = FrameSkip((3, 6, 4, 5), 1).double()
    assert torch.equal(whole.prox(x, 0 * x, 1.0), x / 2)


def test_a_video_is_shown_side_by_side():
    video = framewise(downsample(RGB, 2), 2)
    y = draw(1, 3, 2, 2, 3).float()
    assert torch.equal(video.picture(y), torch.cat([y[:, :, 0], y[:, :, 1]], 3))
    for operator in (temporal_average((3, 4, 2, 3), 2), frame_skip((3, 4, 2, 3), 2)):
        assert torch.equal(operator.picture(y), torch.cat([y[:, :, 0], y[:, :, 1]], 3))


WRONG = {
    "frames": (lambda: framewise(downsample(RGB, 2), 0), "FramewiseLinear: frames"),
    "per frame": (lambda: framewise(downsample(RGB, 2), 3, True), "it has one for all"),
    "video rank": (lambda: frame_skip(RGB), r"video_shape must be \(C, T, H, W\)"),
    "factor": (lambda: TemporalAverage((3, 5, 4, 6), 2), "factor 2 must divide the 5 frames"),
    "matrix": (lambda: Temporal((3, 5, 4, 6), torch.ones(2, 4)), r"matrix must be \(S, 5\)"),
    "even": (lambda: temporal_blur((3, 5, 4, 6), 4), "size must be odd"),
    "std": (lambda: temporal_blur((3, 5, 4, 6), 3, 0.0), "std must be positive"),
    "padding": (lambda: temporal_blur((3, 5, 4, 6), 3, padding="none"), "padding must be one"),
    "open": (lambda: exposure((3, 5, 4, 6), 2, 3), "open <= every"),
    "skip": (lambda: FrameSkip((3, 5, 4, 6), 0), "FrameSkip: factor"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_temporal_blurs_weigh_the_frames_about_each():
    x = draw(1, 1, 5, 2, 2)
    box = temporal_blur((1, 5, 2, 2), 3).double()
    for t, around in enumerate([[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 4]]):
        assert torch.allclose(box(x)[:, :, t], x[:, :, around].mean(2))
    round_ = temporal_blur((1, 5, 2, 2), 3, std=1.0, padding="circular").double()
    weights = torch.tensor([-1.0, 0.0, 1.0]).double().square().mul(-0.5).exp()
    first = torch.einsum("k,bckhw->bchw", weights / weights.sum(), x[:, :, [4, 0, 1]])
    assert torch.allclose(round_(x)[:, :, 0], first)


def test_exposures_are_means_and_selections():
    shape = (3, 8, 2, 3)
    x = draw(2, *shape)
    assert torch.allclose(exposure(shape, 4).double()(x), temporal_average(shape, 4).double()(x))
    assert torch.allclose(exposure(shape, 4, 1).double()(x), frame_skip(shape, 4).double()(x))
    half = exposure((3, 8, 2, 3), 3, 2).double()
    assert torch.allclose(half(x), torch.stack([x[:, :, :2].mean(2), x[:, :, 3:5].mean(2)], 2))


def test_a_window_measures_what_its_frames_alone_make():
    whole = temporal_blur((1, 9, 2, 2), 3).double()
    x = draw(1, 1, 9, 2, 2)
    part, rows = whole.window(3, 8)
    assert rows == [4, 5, 6]
    assert torch.allclose(part(x[:, :, 3:8]), whole(x)[:, :, rows])
    first, rows = whole.window(0, 4)
    assert torch.allclose(first(x[:, :, :4]), whole(x)[:, :, rows]) and rows == [0, 1, 2]
    with pytest.raises(ValueError, match="longer windows"):
        whole.window(4, 5)
