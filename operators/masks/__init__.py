"""Lost pixels: masks, inpainting, Bayer's colours."""

from operators.masks._bayer import Bayer, bayer
from operators.masks.inpaint import (
    Inpaint,
    inpaint_box,
    inpaint_brush,
    inpaint_file,
    inpaint_half,
    inpaint_outpaint,
    inpaint_random,
    inpaint_text,
)
from operators.masks.reading import from_file as from_file
from operators.masks.reading import read as read
from operators.masks.shapes import box as box
from operators.masks.shapes import half as half
from operators.masks.shapes import outpaint as outpaint
from operators.masks.shapes import random as random
from operators.masks.strokes import brush as brush
from operators.masks.strokes import text as text

__all__ = [
    "Bayer",
    "Inpaint",
    "bayer",
    "inpaint_box",
    "inpaint_brush",
    "inpaint_file",
    "inpaint_half",
    "inpaint_outpaint",
    "inpaint_random",
    "inpaint_text",
]
