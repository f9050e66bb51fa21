"""k-space out of ISMRMRD's files, as an operator of many coils takes it."""

import numpy as np
import pytest

from operators import mri_coils
from operators.core.arrays import load_array

pytest.importorskip("h5py", reason="the extra files is not installed")

from tests.operators import ismrmrd_cases as made  # noqa: E402


def k_space(slices=1):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(slices, 3, 10, 8)) + 1j * rng.normal(size=(slices, 3, 10, 8))
    z[:, :, [0, 7]] = 0
    return z.astype(np.complex64)


@pytest.mark.parametrize("twice", [False, True])
def test_lines_stand_where_they_were_encoded_and_noise_is_left_out(tmp_path, twice):
    z = k_space()
    made.write(tmp_path / "a.h5", z, twice=twice)
    assert np.allclose(load_array(tmp_path / "a.h5"), z[0])


def test_slices_are_pages_and_an_operator_takes_one(tmp_path):
    z = k_space(slices=2)
    made.write(tmp_path / "a.h5", z)
    assert np.allclose(load_array(tmp_path / "a.h5"), z)
    operator = mri_coils((2, 10, 8), tmp_path / "a.h5", page=1)
    assert operator.out_shape == (3, 10, 8, 2) and "3 coils" in operator.reading


def test_what_is_not_flat_and_cartesian_is_refused(tmp_path):
    made.write(tmp_path / "a.h5", k_space(), kind="radial")
    with pytest.raises(ValueError, match="only flat Cartesian is read"):
        load_array(tmp_path / "a.h5")
