"""The oldest versions allowed are known, and are those of one dependency each."""

from tests.oldest import PROJECT, pins


def test_every_dependency_has_one_lower_bound():
    names = [pin.partition("==")[0] for pin in pins()]
    assert {"torch", "numpy", "pytest", "lpips"} <= set(names)
    assert len(set(names)) == len(names) > len(PROJECT["dependencies"])
