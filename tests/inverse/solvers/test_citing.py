"""Every solver can be cited, and every entry of the bibliography is whole."""

import re
from functools import partial

import pytest

import inverse
from inverse import solvers
from inverse.solvers.citing import entries, marks

IDENTIFIER = r"arXiv:\s*(\d{4}\.\d{4,5})|openreview:\s*(\w+)"


@pytest.mark.parametrize("name", solvers.__all__)
def test_every_paper_that_a_solver_names_has_an_entry(name):
    found = inverse.cite(name)
    named = [one or other for one, other in re.findall(IDENTIFIER, getattr(solvers, name).__doc__)]
    assert named or any(marks(entry)[-1] in doc(name) for entry in entries())
    for identifier in named:
        assert identifier in found, f"{identifier} is not in citations.bib"


def doc(name):
    return " ".join(getattr(solvers, name).__doc__.split()).lower()


def test_the_entry_is_that_of_the_method():
    found = inverse.cite("pnpdm")
    assert "Principled Probabilistic Imaging" in found and "2405.18782" in found
    assert found.count("@") == 1
    assert "Filtering Perspective" in inverse.cite(solvers.fps_smc)
    assert inverse.cite("nested").count("@") == 2  # nesting and half-quadratic splitting


def test_a_factory_a_partial_and_a_name_are_the_same():
    assert inverse.cite(solvers.dps) == inverse.cite("dps")
    assert inverse.cite(partial(partial(solvers.dps, steps=5), zeta=1.0)) == inverse.cite("dps")


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.split("{")[1].split(",")[0])
def test_entries_are_whole(entry):
    fields = dict(re.findall(r"^  (\w+) = \{(.+)\},$", entry, re.MULTILINE))
    assert {"title", "author", "year"} <= set(fields)
    assert fields.keys() & {"booktitle", "journal"}
    assert len(entry.splitlines()) == len(fields) + 2 and entry.count("{") == entry.count("}")
    assert re.fullmatch(r"@(inproceedings|article)\{\w+,", entry.splitlines()[0])
    assert entry.splitlines()[-1] == "}" and re.fullmatch(r"(19|20)\d\d", fields["year"])
    if "eprint" in fields:
        assert re.fullmatch(r"\d{4}\.\d{5}", fields["eprint"])


def test_keys_and_identifiers_are_unique():
    keys = [entry.split("{")[1].split(",")[0] for entry in entries()]
    named = [mark for entry in entries() for mark in marks(entry)]
    assert len(set(keys)) == len(keys) and len(set(named)) == len(named)


def test_unknown_solvers_are_refused():
    with pytest.raises(ValueError, match="did you mean 'pnpdm'"):
        inverse.cite("pnpdn")
    with pytest.raises(ValueError, match="no paper known for test_unknown"):
        inverse.cite(test_unknown_solvers_are_refused)
