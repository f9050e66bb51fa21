"""Visitors: they share nothing, leave nothing, and bad uploads are refused."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.demo.choices import PHOTO
from inverse.demo.painting import flatten, mask_of, paint_over
from inverse.demo.sessions import Sessions
from inverse.demo.uploads import Limits, Refused, accept
from inverse.images import load_image
from tests.demo.shared import MENU, QUICK, stroke


def test_visitors_share_nothing_and_leave_nothing(sessions, gate, tmp_path):
    gate.allow()
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    one, two = sessions.of("one"), sessions.of("two")
    one.take(tmp_path / "red.png")
    assert one.upload.exists() and not two.upload.exists() and one.folder != two.folder
    one.restore(replace(QUICK, image=PHOTO), None)
    assert two.run is None
    sessions.drop("one")
    assert not one.folder.exists() and two.folder.exists()
    assert sessions.of("one") is not one and sessions.of("two") is two


def test_idle_visitors_make_room(shop, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    limited = replace(shop, menu=replace(MENU, limits=Limits(visitors=2, minutes=10)))
    sessions = Sessions(limited)
    first = sessions.of("a")
    now[0] = 60.0
    second = sessions.of("b")
    sessions.of("c")
    assert not first.folder.exists() and second.folder.exists()
    now[0] = 1000.0
    sessions.of("c")
    assert not second.folder.exists()
    sessions.close()


def jpeg(mode="RGB", size=(40, 30), **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content, limits, words",
    [
        (b"not a picture", Limits(), "cannot be read as a picture"),
        (b"", Limits(), "cannot be read as a picture"),
        (jpeg()[:300], Limits(), "cannot be read as a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Limits(), "PNG, JPEG or WebP"),
        (b"GIF89a" + bytes(40), Limits(), "PNG, JPEG or WebP"),
        (jpeg(size=(2000, 600)), Limits(megapixels=1), "more than 1 megapixels"),
        (jpeg() + bytes(2000), Limits(megabytes=0.002), "at most 0.002 MB"),
    ],
)
def test_bad_uploads_are_refused_in_words(content, limits, words, tmp_path):
    file, target = tmp_path / "upload", tmp_path / "taken.png"
    file.write_bytes(content)
    with pytest.raises(Refused, match=words):
        accept(file, target, limits)
    assert not target.exists()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_pictures_are_taken_upright_and_small(mode, tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    (tmp_path / "it").write_bytes(jpeg(mode, (3000, 1500), exif=turned))
    accept(tmp_path / "it", tmp_path / "taken.png", Limits())
    assert load_image(tmp_path / "taken.png").shape == (3, 1024, 512)


def test_masks_and_paint():
    assert flatten([Image.new("RGBA", (8, 8))]) is None and flatten([]) is None
    mask = np.asarray(mask_of(flatten([Image.new("RGBA", (512, 512)), stroke()]), 32))
    assert set(mask.ravel()) == {0, 255} and (mask[8:16, 8:16] == 0).all() and mask[:8].all()
    x0 = torch.zeros(2, 3, 32, 32)
    red = paint_over(x0, stroke(colour=(255, 0, 0, 255)))
    assert red[:, 0, 10, 10].tolist() == [1, 1] and red[:, 1, 10, 10].tolist() == [-1, -1]
    assert not red[..., 20:].any() and not x0.any()


@pytest.mark.parametrize("alpha", [1, 40, 255])
@pytest.mark.parametrize("box", [(100, 0, 100, 511), (64, 64, 64, 64)], ids=["hair", "dot"])
def test_a_thin_or_translucent_stroke_loses_the_pixels_it_touches_and_no_others(box, alpha):
    paint = flatten([stroke(box=box, colour=(230, 0, 126, alpha))])
    lost = np.asarray(mask_of(paint, 32)) == 0
    assert lost.sum() == (32 if box[3] == 511 else 1)
    assert lost[box[1] // 16 : box[3] // 16 + 1, box[0] // 16].all()
