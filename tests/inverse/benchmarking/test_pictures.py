"""The pictures of a benchmark: zips, standard sets, data sets; their order, names and hashes."""

import zipfile

import pytest
import torch

from inverse.benchmarking.pictures import checksum, find
from inverse.images import ImageError, sources
from inverse.restoring import photograph, photographs
from inverse.training.data import ImageSource
from tests.inverse import grids_of_benchmarks as small


@pytest.fixture
def photos(tmp_path):
    """The five pictures of a folder."""
    return small.photographs(tmp_path / "photos")


@pytest.fixture
def archive(tmp_path, photos):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        for k in (3, 1, 4, 0, 2):
            file.write(tmp_path / "photos" / f"photo{k}.png", f"class{k % 2}/photo{k}.png")
        file.writestr("__MACOSX/class0/._photo0.png", "rubbish")
        file.writestr("class0/.hidden.png", "rubbish")
        file.writestr("readme.txt", "text")
    return tmp_path / "all.zip"


def test_a_zip_holds_the_pictures_of_its_folders(photos, archive):
    found = find([str(archive)])
    assert [p.name for p in found] == [f"class{k % 2}/photo{k}" for k in (0, 2, 4, 1, 3)]
    assert {p.dataset for p in found} == {"all"}
    by_hash = {p.digest: p for p in photos}
    for picture in found:
        assert torch.equal(picture.load(None), by_hash[picture.digest].load(None))
        assert torch.equal(picture.load(8), by_hash[picture.digest].load(8))
        (name,) = photographs(picture.source)  # what `inverse restore image=` takes
        assert name == picture.name


def test_rows_of_a_zip_are_those_of_its_names(tmp_path, archive):
    pytest.importorskip("pyarrow", reason="benchmarks need the extra: benchmark")
    rows = small.run(tmp_path / "run", small.work(find([str(archive)]), seeds=(0,)))
    assert len(rows) == 5 * 4 and set(rows["status"]) == {"ok"}
    assert set(rows["image"]) == {f"class{k % 2}/photo{k}" for k in range(5)}
    assert rows["image_sha256"].nunique() == 5
    assert rows["command"].str.contains("all.zip/class0/photo2.png").sum() == 4


def test_what_is_wrong_with_a_zip_is_said(tmp_path, archive):
    with pytest.raises(FileNotFoundError, match=r"all.zip has no class0/photo9.png"):
        photograph(f"{archive}/class0/photo9.png")
    (tmp_path / "bad.zip").write_text("no zip")
    with pytest.raises(ImageError, match="no whole zip"):
        find([str(tmp_path / "bad.zip")])
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as file:
        file.writestr("readme.txt", "text")
    with pytest.raises(ImageError, match="holds no images"):
        find([str(tmp_path / "empty.zip")])


def test_no_source_is_not_the_current_folder(photos, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "photos")
    for names in (photographs, lambda empty: find([empty]), ImageSource):
        with pytest.raises(ValueError, match="empty"):
            names("")


def test_a_part_of_a_source(photos, tmp_path):
    folder = str(tmp_path / "photos")
    assert find([f"{folder}@1:3"]) == photos[1:3] and find([f"{folder}@3:"]) == photos[3:]
    with pytest.raises(ImageError, match="names no picture"):
        find([f"{folder}@7:9"])


LAYOUTS = {
    "ffhq": ["00000/00002.png", "00000/00010.png", "01000/01000.png"],
    "imagenet": [f"val/n{k}/ILSVRC2012_val_{9 - k:08}.JPEG" for k in (9, 5, 1)],
    "celebahq": ["CelebA-HQ-img/2.jpg", "CelebA-HQ-img/10.jpg"],
    "set14": ["image_SRF_4/img_002_SRF_4_HR.png", "image_SRF_4/img_010_SRF_4_HR.png"],
    "kodak": ["kodim02.png", "kodim10.png"],
    "cbsd68": ["original_png/0002.png", "original_png/0010.png"],
    "urban100": ["image_SRF_4/img_002_SRF_4_HR.png", "image_SRF_4/img_100_SRF_4_HR.png"],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_standard_sets_are_known_by_their_layout(name, tmp_path):
    for k, path in enumerate(reversed(LAYOUTS[name])):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(str(k))
    (tmp_path / "LICENSE.txt").write_text("text")
    (tmp_path / "image_SRF_4").mkdir(exist_ok=True)
    (tmp_path / "image_SRF_4" / "img_002_SRF_4_LR.jpg").write_text("low")
    found = find([f"{name}:{tmp_path}"])
    assert [p.source for p in found] == [str(tmp_path / path) for path in LAYOUTS[name]]
    assert {p.dataset for p in found} == {name}


def test_a_standard_set_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        find([f"ffhq:{tmp_path}/x"])
    with pytest.raises(ImageError, match="no picture fits the set's layouts"):
        find([f"kodak:{tmp_path}"])


def test_checksums_depend_on_content_and_names_not_on_the_order(photos, tmp_path):
    (whole,) = checksum(photos).items()
    assert whole[0] == "photos" and whole[1][0] == 5
    assert checksum(photos[::-1])["photos"] == whole[1] != checksum(photos[1:])["photos"]
    (tmp_path / "photos" / "photo0.png").write_bytes(b"other")
    assert checksum(find([str(tmp_path / "photos")]))["photos"] != whole[1]


def test_a_hugging_face_data_set(photos, tmp_path):
    datasets = pytest.importorskip("datasets", reason="data sets of the hub need the extra: hub")
    files = [p.source for p in photos]
    made = datasets.Dataset.from_dict({"label": range(5), "picture": files})
    made = made.cast_column("picture", datasets.Image())
    datasets.DatasetDict({"test": made}).save_to_disk(str(tmp_path / "made"))
    found = find([f"hf:{tmp_path}/made/test@1:4"])
    assert [p.name for p in found] == ["test/1", "test/2", "test/3"]
    assert [p.digest for p in found] == [p.digest for p in photos[1:4]]
    assert torch.equal(found[0].load(None), photos[1].load(None))
    with pytest.raises(FileNotFoundError, match="it has 5 items"):
        sources.read(f"hf:{tmp_path}/made/test/5")


def test_a_missing_library_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "datasets", None)
    sources._dataset.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r"\[hub\]"):
        find(["hf:some/name/test"])
