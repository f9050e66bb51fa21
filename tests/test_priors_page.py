"""The examples of docs/priors.md run as they stand, in order, in one session."""

import re
import shlex
from pathlib import Path

import torch

from inverse.apps.convert import overrides
from inverse.apps.words import check_overrides
from tests.inverse.adm_reference import ADM

PAGE = (Path(__file__).parents[1] / "docs" / "priors.md").read_text()


def test_the_python_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoint = ADM(width=64, mult=(1,), attended=(0,), head_channels=64)
    checkpoint(torch.zeros(1, 3, 8, 8), torch.zeros(1))
    torch.save(checkpoint.state, "ffhq_10m.pt")
    torch.manual_seed(0)
    names, seen = {}, []
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        names.pop("restored", None)
        exec(compile(code, "docs/priors.md", "exec"), names)
        seen.append(names.get("restored"))
    assert len(seen) == 11 and seen[0] is None
    for restored in seen[1:]:
        assert restored.shape == (1, 3, 32, 32) and torch.isfinite(restored).all()


def test_the_commands_are_ones_that_exist():
    lines = re.findall(r"^inverse (\w+) (.*)$", PAGE, flags=re.MULTILINE)
    assert len(lines) == 18
    for app, arguments in lines:
        words = shlex.split(arguments)
        check_overrides(app, overrides(words) if app == "convert" else words)
