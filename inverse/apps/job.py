"""A job of Hydra: its words made readable, its values checked, its error ours to tell."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from types import MappingProxyType

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from inverse.apps.configuration import FOLDER, check_target, check_values, groups
from inverse.apps.words import check_overrides
from inverse.files import new_folder


def _new_folder(path: str) -> str:
    return str(new_folder(path))


class HydraJob:
    """A Hydra job whose error is kept for us to raise: Hydra would print a line of its own.

    In a multirun the other jobs go on, and the first error is raised at the end.

    Args:
        taker: a class whose annotations say what the values outside of groups may be.
        words: {key: value} that the function itself takes out before anything is built of them.
    """

    def __init__(
        self,
        function: Callable[[DictConfig], None],
        name: str,
        taker: type,
        folder: Path = FOLDER,
        words: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.function, self.name, self.taker, self.folder = function, name, taker, folder
        self.words = words
        self.errors: list[Exception] = []

    def __call__(self, config: DictConfig) -> None:
        try:
            check_values(config, self.taker)
            built = config.copy()
            for key, word in self.words.items():
                if OmegaConf.select(config, key) == word:
                    OmegaConf.update(built, key, "???")  # which is not looked at
            for value in built.values():
                check_target(value)
            self.function(config)
        except Exception as error:
            self.errors.append(error)

    def run(self) -> None:
        """Check the overrides in `sys.argv`, run under Hydra, raise what went wrong."""
        sys.argv[1:] = check_overrides(self.name, sys.argv[1:], self.folder, self.taker)
        if {"-h", "--help"} & set(sys.argv):
            print(self._help([word for word in sys.argv[1:] if word[0] != "-"]))
            return
        GlobalHydra.instance().clear()
        OmegaConf.register_new_resolver("new_folder", _new_folder, use_cache=True, replace=True)
        settings = {"config_path": str(self.folder), "config_name": self.name}
        hydra.main(version_base="1.3", **settings)(self)()
        if self.errors:
            raise self.errors[0]

    def _help(self, words: list[str]) -> str:
        """What Hydra's help says, which loads everything anew for every group."""
        with initialize_config_dir(str(self.folder), version_base="1.3"):
            config = compose(self.name, words, return_hydra_config=True)
        choices = "".join(f"{g}: {', '.join(names)}\n" for g, names in groups(self.folder).items())
        values = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        template = Template(config.hydra.help.template)
        return template.substitute(APP_CONFIG_GROUPS=choices, CONFIG=OmegaConf.to_yaml(values))
