"""Result files of slow studies can be filled in turns, and never mix configurations or commits."""

import pytest

from benchmarks import record

KEYS = ("task", "method")


def row(task, method, psnr):
    return {"task": task, "method": method, "psnr": psnr}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A file with two rows of a study, at a known commit."""
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    monkeypatch.setattr(record, "commit", lambda: "abc1234")
    record.save("study", {"nfe": 20}, [row("blur", "dps", 1.0), row("blur", "ddnm", 2.0)])


def test_rows_that_are_measured_anew_are_replaced_and_others_stay(written):
    assert record.earlier("study", {"nfe": 20}, [row("blur", "dps", 3.0)], KEYS) == [
        row("blur", "ddnm", 2.0)
    ]


def test_rows_of_another_configuration_or_commit_are_dropped(written, monkeypatch):
    assert record.earlier("study", {"nfe": 100}, [], KEYS) == []
    monkeypatch.setattr(record, "commit", lambda: "def5678")
    assert record.earlier("study", {"nfe": 20}, [], KEYS) == []


def test_a_study_that_was_never_run_has_no_rows(written):
    assert record.earlier("another", {"nfe": 20}, [], KEYS) == []
