"""The README's snippets run as they stand."""

import re
from pathlib import Path

import pytest
import torch

README = (Path(__file__).parent.parent / "README.md").read_text()
SECTION = README.split("## Use our operators in your solver", 1)[1].split("\n## ", 1)[0]
SNIPPETS = re.findall(r"```python\n(.*?)```", SECTION, flags=re.DOTALL)


@pytest.mark.parametrize("index", range(3), ids=["torch", "scipy", "deepinv"])
def test_operators_in_your_solver(index):
    assert len(SNIPPETS) == 3
    code, names = SNIPPETS[index], {}
    if "deepinv" in code:
        pytest.importorskip("deepinv", reason="deepinv is not installed")
    torch.manual_seed(0)
    exec(compile(code, f"README.md, snippet {index}", "exec"), names)
    x, y = torch.as_tensor(names["x"]), torch.as_tensor(names["y"])
    assert x.shape[-3:] == (3, 64, 64) and torch.isfinite(x).all()
    operator = next(names[name] for name in ("blur", "mask", "physics") if name in names)
    again = operator(x.view(-1, 3, 64, 64).float()).flatten() - y.flatten()
    assert float(again.norm()) < 0.5 * float(y.norm())  # it explains the measurement
