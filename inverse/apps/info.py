"""`inverse info`: what there is to choose from, and what each needs."""

import sys

from inverse.apps.configuration import FOLDER, groups, read, target_of
from inverse.apps.requirements import requirements
from inverse.apps.values import choices, hints
from inverse.images import PHOTOGRAPHS

TITLES = {  # in the order that a newcomer needs them
    "solver": "Solvers (solver=...)",
    "operator": "Operators (operator=...)",
    "time": "What mixes the frames of clips (time=...)",
    "noise": "Noise (noise=...)",
    "prior": "Priors (prior=...)",
    "recipe": "Recipes of training (inverse train recipe=...)",
    "network": "Networks to train (inverse train network=...)",
}


def describe(group: str, choice: str) -> tuple[str, str]:
    """The comment at the head of a configuration, and its values as overrides."""
    text, config = (FOLDER / group / f"{choice}.yaml").read_text(), read(group, choice)
    comment = text.splitlines()[0].lstrip("# ")
    if group == "solver":
        needs = requirements(config)
        comment += f" Needs {', '.join(sorted(need.what for need in needs)) or 'nothing'}."
    values = {k: v for k, v in config.items_ex(resolve=False) if not str(k).startswith("_")}
    taken = hints(target_of(config))
    words = {
        k: f"{choices(taken[str(k)]) or 'PATH'}  (needed)" for k, v in values.items() if v == "???"
    }
    words |= {k: "null" for k, v in values.items() if v is None}
    shown = [f"{group}.{key}={words.get(str(key), value)}" for key, value in values.items()]
    return comment, "  ".join(shown)


def show(group: str, title: str) -> None:
    """Print the choices of a group, each with its comment and its values."""
    print(f"\n{title}")
    for choice in groups()[group]:
        comment, values = describe(group, choice)
        print(f"  {choice:<20}{comment}")
        if values:
            print(f"  {'':<20}{values}")


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] not in ("-h", "--help"):
        raise ValueError(f"info takes no arguments, got {' '.join(sys.argv[1:])}")
    print("inverse restore image=... operator=... solver=... prior=...   from what stands below\n")
    print("Photographs (image=...)")
    print(f"  {', '.join(PHOTOGRAPHS)}: they come with scikit-image, free to use")
    print("  or a file of any size (PNG, JPEG, TIFF, DICOM, NIfTI, FITS, ...), or a folder of them")
    print("  or a clip: a film, a GIF, or with clip=true a folder of frames or an array (.npy)")
    for group, title in TITLES.items():
        show(group, title)
