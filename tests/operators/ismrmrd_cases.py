"""Files of ISMRMRD, by the layout that it has published, for tests."""

import h5py
import numpy as np

INDEX = [
    ("kspace_encode_step_1", "u2"), ("kspace_encode_step_2", "u2"), ("average", "u2"),
    ("slice", "u2"), ("contrast", "u2"), ("phase", "u2"), ("repetition", "u2"), ("set", "u2"),
    ("segment", "u2"), ("user", "u2", 8),
]  # fmt: skip
HEAD = [
    ("version", "u2"), ("flags", "u8"), ("measurement_uid", "u4"), ("scan_counter", "u4"),
    ("acquisition_time_stamp", "u4"), ("physiology_time_stamp", "u4", 3),
    ("number_of_samples", "u2"), ("available_channels", "u2"), ("active_channels", "u2"),
    ("channel_mask", "u8", 16), ("discard_pre", "u2"), ("discard_post", "u2"),
    ("center_sample", "u2"), ("encoding_space_ref", "u2"), ("trajectory_dimensions", "u2"),
    ("sample_time_us", "f4"), ("position", "f4", 3), ("read_dir", "f4", 3),
    ("phase_dir", "f4", 3), ("slice_dir", "f4", 3), ("patient_table_position", "f4", 3),
    ("idx", INDEX), ("user_int", "i4", 8), ("user_float", "f4", 8),
]  # fmt: skip
XML = """<?xml version="1.0"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>
<encodedSpace><matrixSize><x>{w}</x><y>{h}</y><z>1</z></matrixSize></encodedSpace>
<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum>
<center>{middle}</center></kspace_encoding_step_1></encodingLimits>
<trajectory>{kind}</trajectory></encoding></ismrmrdHeader>"""


def write(path, slices, kind="cartesian", twice=False):
    """k-space (slices, coils, H, W), its rows without samples left out, after a scan of noise.

    Lines have one sample before and one after them that is to be discarded.
    """
    count, coils, height, width = slices.shape
    rows = [(s, r) for s in range(count) for r in range(height) if slices[s, :, r].any()]
    acquired = [(None, 0), *rows * (1 + twice)]
    floats = h5py.vlen_dtype(np.float32)
    data = np.zeros(len(acquired), [("head", HEAD), ("traj", floats), ("data", floats)])
    for i, (page, row) in enumerate(acquired):
        head = data[i]["head"]
        head["flags"] = (1 << 18) * (page is None)
        head["number_of_samples"], head["active_channels"] = width + 2, coils
        head["discard_pre"] = head["discard_post"] = 1
        head["center_sample"] = width // 2 + 1
        head["idx"]["kspace_encode_step_1"], head["idx"]["slice"] = row, page or 0
        head["idx"]["average"] = i > len(rows)
        values = np.full((coils, width + 2), 7 + 7j, np.complex64)
        if page is not None:
            values[:, 1:-1] = slices[page, :, row]
        data[i]["data"], data[i]["traj"] = values.ravel().view(np.float32), np.zeros(0, "f4")
    with h5py.File(path, "w") as file:
        file["dataset/data"] = data
        text = XML.format(h=height, w=width, last=height - 1, middle=height // 2, kind=kind)
        file.create_dataset("dataset/xml", (1,), h5py.string_dtype())[0] = text
