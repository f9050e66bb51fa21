"""diffusers pipelines from a folder or the hub: the network and the scheduler of a pixel prior."""

import re
from pathlib import Path
from typing import Any

from torch import nn

from operators.core import first_line

NETWORKS = ("unet", "transformer")
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def load_pipeline(path: str | Path) -> tuple[nn.Module, Any]:
    """The network and the scheduler of a saved pixel pipeline (a folder, or a hub id).

    A hub id is looked up in huggingface's cache first; nothing is downloaded for a pipeline that is
    no pixel prior. No code of a pipeline's own is run.

    Raises:
        FileNotFoundError: for no such folder, or a hub id neither cached nor reachable.
        ValueError: for a folder without a pipeline, or a pipeline with a latent space or text.
    """
    parts = set(index(path))
    _check_parts(path, parts)
    pipeline = load(path, low_cpu_mem_usage=False)
    network = next(getattr(pipeline, name) for name in NETWORKS if name in parts)
    return network, pipeline.scheduler


def scheduler_name(path: str | Path) -> str:
    """The class of a saved pipeline's scheduler, without loading the pipeline; "" if unknown."""
    return index(path).get("scheduler", ("", ""))[1]


def index(path: str | Path) -> dict[str, tuple[str, str]]:
    """The parts of a saved pipeline (folder or hub id), each with its library and class.

    Raises:
        FileNotFoundError: for no such folder, or a hub id neither cached nor reachable.
        ValueError: for a file, or a folder without a pipeline.
    """
    _check_place(path)
    _check_reach(path)
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline  # takes seconds

    try:
        entries: Any = DiffusionPipeline.load_config(str(path))
    except OSError as error:
        raise FileNotFoundError(_advice(path, first_line(error))) from error
    parts = {name: kind for name, kind in entries.items() if isinstance(kind, list) and kind[0]}
    return {name: (library, kind) for name, (library, kind) in parts.items()}


def load(path: str | Path, **settings: Any) -> Any:
    """The saved pipeline; `settings` as diffusers' `from_pretrained` takes them.

    Raises:
        FileNotFoundError: as `index`, and for a part that is missing.
    """
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    try:
        return DiffusionPipeline.from_pretrained(str(path), **settings)
    except OSError as error:
        raise FileNotFoundError(_advice(path, first_line(error))) from error


def _check_place(path: str | Path) -> None:
    place = Path(path)
    if place.is_file():
        raise ValueError(
            f"prior {path} is a file, not a pipeline folder; convert a paper's checkpoint by "
            f"`inverse convert {path} FOLDER`, or take prior=file for one of `inverse train`"
        )
    if place.is_dir() and not (place / "model_index.json").is_file():
        raise ValueError(
            f"prior {path}: no model_index.json there; give the folder that a diffusers pipeline's "
            "save_pretrained wrote (model_index.json, unet/, scheduler/)"
        )
    if not place.is_dir() and not HUB_ID.fullmatch(str(path)):
        raise FileNotFoundError(
            f"prior {path}: no such folder (nor a hub id OWNER/NAME); give a folder with "
            "model_index.json, unet/ and scheduler/"
        )


def _check_reach(path: str | Path) -> None:
    """Raise FileNotFoundError where a hub id is neither cached nor there at the first asking.

    diffusers asks six times, for half a minute and more, where there is no network.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache

    file = "model_index.json"
    if Path(path).is_dir() or isinstance(try_to_load_from_cache(str(path), file), str):
        return
    try:
        get_hf_file_metadata(hf_hub_url(str(path), file))
    except Exception as error:  # whatever the hub's client of today raises
        raise FileNotFoundError(_advice(path, first_line(error))) from error


def _check_parts(path: str | Path, parts: set[str]) -> None:
    foreign = parts - {*NETWORKS, "scheduler"}
    if foreign or "scheduler" not in parts or not parts & set(NETWORKS):
        raise ValueError(
            f"prior {path}: not a pixel pipeline, it has {', '.join(sorted(parts)) or 'no parts'}; "
            "give one made of a unet (or transformer) and a scheduler alone, or take prior=latent "
            "for one with a latent space"
        )


def _advice(path: str | Path, reason: str) -> str:
    if Path(path).is_dir():
        return f"prior {path}: {reason}"
    return (
        f"prior {path}: neither cached nor within reach ({reason.rstrip('.')}); where there is a "
        f"network, `hf download {path} --local-dir FOLDER`, copy FOLDER here and give its path"
    )
