"""What `inverse`, its help and `inverse info` say."""

import pytest

from inverse.apps import main as command
from inverse.apps.configuration import groups


def test_info_lists_every_choice(inverse):
    code, out, _, _ = inverse(app="info")
    assert code == 0
    assert all(choice in out for choices in groups().values() for choice in choices)


def test_help_and_unknown_apps(capsys):
    for arguments, code in ((["--help"], 0), ([], 2), (["restor"], 2)):
        with pytest.raises(SystemExit) as stop:
            command.main(arguments)
        assert stop.value.code == code
    assert "did you mean 'restore'" in capsys.readouterr().out


def test_help_of_restore_is_readable(inverse):
    code, out, _, _ = inverse("--help")
    assert code == 0 and "operator=blur_gaussian" in out and "budget" in out
