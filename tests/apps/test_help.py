"""What `inverse`, its help and `inverse info` say."""

from importlib.metadata import version

import pytest

from inverse.apps import main as command
from inverse.apps.configuration import groups
from inverse.apps.info import TITLES


def test_info_lists_every_choice(inverse):
    code, out, _, _ = inverse(app="info")
    assert code == 0
    assert all(choice in out for choices in groups().values() for choice in choices)


def test_info_begins_with_what_a_restoration_needs_and_ends_with_what_training_does(inverse):
    _, out, _, _ = inverse(app="info")
    heads = [line.split(" (")[0] for line in out.splitlines() if line.endswith("=...)")]
    assert set(TITLES) == set(groups())  # no group goes unlisted
    assert heads[:3] == ["Photographs", "Solvers", "Operators"]
    assert heads[-1] == "Networks to train"


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"anytime-inverse {version('anytime-inverse')}\n"


def test_help_and_unknown_apps(capsys):
    for arguments, code in ((["--help"], 0), ([], 2), (["restor"], 2)):
        with pytest.raises(SystemExit) as stop:
            command.main(arguments)
        assert stop.value.code == code
    assert "did you mean 'restore'" in capsys.readouterr().out


def test_help_of_restore_is_readable(inverse):
    code, out, _, _ = inverse("--help")
    assert code == 0 and "operator=blur_gaussian" in out and "budget" in out
    lines = out.splitlines()
    assert all(f"{group}: {', '.join(choices)}" in lines for group, choices in groups().items())
    assert "_grid" not in out  # where another app's configurations lie


def test_help_shows_the_values_of_what_is_chosen(inverse):
    code, out, _, _ = inverse("solver=dps", "image=a (1).png", "-h")
    assert code == 0 and "image: a (1).png" in out and "inverse.solvers.dps" in out
