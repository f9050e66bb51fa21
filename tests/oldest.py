"""The oldest version of every dependency that pyproject.toml allows, as constraints for pip."""

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def pins() -> list[str]:
    """``name==version``, by name; of direct dependencies and those of every extra.

    Raises:
        ValueError: for a dependency without a lower bound.
    """
    extras = PROJECT["optional-dependencies"].values()
    wanted = {r for group in (PROJECT["dependencies"], *extras) for r in group}
    found = []
    for requirement in sorted(r for r in wanted if not r.startswith(PROJECT["name"])):
        bound = re.match(r"([\w-]+)(?:\[.*\])?[>=]=([\w.]+)", requirement)
        if bound is None:
            raise ValueError(f"pyproject.toml: {requirement} has no lower bound, as in name>=1.0")
        found.append("==".join(bound.groups()))
    return found


if __name__ == "__main__":
    print("\n".join(pins()))
