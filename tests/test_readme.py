"""The README's Python runs as it stands, and fits on a screen."""

import re
from pathlib import Path

import pytest
import torch
from PIL import Image

README = (Path(__file__).parent.parent / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("index", range(2), ids=["restore", "operators"])
def test_the_python_runs(index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.radial_gradient("L").convert("RGB").resize((64, 64)).save("photo.jpg")
    torch.manual_seed(0)
    names = {}
    code = SNIPPETS[index].replace("size=256", "size=64")
    exec(compile(code, f"README.md, snippet {index}", "exec"), names)
    if index == 0:
        assert Image.open("restored.png").size == (64, 64)
    else:
        again = names["blur"](names["x"]) - names["y"]
        assert float(again.norm()) < 0.5 * float(names["y"].norm())  # it explains the measurement


def test_it_is_one_screen_of_words():
    assert len(SNIPPETS) == 2 and len(README.split()) < 1000 and len(README.splitlines()) < 120
