"""Operators on clips (C, T, H, W)."""

from operators.video._framewise import Framewise, framewise
from operators.video.frames import FrameSkip, TemporalAverage, frame_skip, temporal_average

__all__ = [
    "FrameSkip",
    "Framewise",
    "TemporalAverage",
    "frame_skip",
    "framewise",
    "temporal_average",
]
