"""Windows over a clip: where they lie, and how they are blended."""

import pytest
import torch

from inverse.solving import in_windows, windows


def test_windows_lie_where_they_lie_however_long_the_clip_is():
    assert windows(16, 16, 4) == [(0, 16)]
    assert windows(17, 16, 4) == [(0, 16), (12, 17)]
    assert windows(30, 16, 4)[:2] == windows(60, 16, 4)[:2] == [(0, 16), (12, 28)]
    assert windows(9, 3, 0) == [(0, 3), (3, 6), (6, 9)]
    assert windows(2, 5, 4) == [(0, 2)]


@pytest.mark.parametrize(("window", "overlap"), [(4, 4), (4, 5), (3, -1)])
def test_windows_must_go_on(window, overlap):
    with pytest.raises(ValueError, match="0 <= overlap < window"):
        windows(9, window, overlap)


def test_what_all_windows_agree_on_comes_back():
    clip = torch.randn(1, 2, 11, 3, 3, generator=torch.Generator().manual_seed(0))
    for window, overlap in ((4, 0), (4, 2), (5, 4), (20, 3)):
        made = in_windows(lambda a, b: clip[:, :, a:b], 11, window, overlap)
        torch.testing.assert_close(made, clip)
        if overlap == 0 or window > 11:
            assert torch.equal(made, clip)


def test_one_window_fades_into_the_next():
    numbers = iter([0.0, 1.0])
    made = in_windows(lambda a, b: torch.full((1, 1, b - a, 1, 1), next(numbers)), 8, 5, 2)
    assert made.flatten().tolist() == pytest.approx([0, 0, 0, 1 / 3, 2 / 3, 1, 1, 1])


def test_frames_that_were_made_are_kept_when_it_ends_early():
    clip = torch.randn(1, 1, 9, 2, 2, generator=torch.Generator().manual_seed(0))
    made = in_windows(lambda a, b: clip[:, :, a:b] if a < 6 else None, 9, 4, 1)
    torch.testing.assert_close(made, clip[:, :, :7])
