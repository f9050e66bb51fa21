"""Operators on clips (C, T, H, W)."""

from operators.video._framewise import Framewise, framewise
from operators.video.frames import FrameSkip, TemporalAverage, frame_skip, temporal_average
from operators.video.temporal import Temporal, exposure, temporal_blur

__all__ = [
    "FrameSkip",
    "Framewise",
    "Temporal",
    "TemporalAverage",
    "exposure",
    "frame_skip",
    "framewise",
    "temporal_average",
    "temporal_blur",
]
