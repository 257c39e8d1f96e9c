from __future__ import annotations

import pytest
from PIL import Image

from nas.data.decode import image_size
from nas.data.entry import DatasetEntry
from nas.data.errors import DatasetError
from nas.data.survey import SAMPLED, VALID_SECONDS, SplitSurvey, Surveys, survey


@pytest.fixture
def entry(tmp_path) -> DatasetEntry:
    """Eleven training images, of which number n is n + 1 pixels wide, and one for validation."""
    for split, count in (("train", 11), ("val", 1)):
        for index in range(count):
            name = f"aachen_{index:06d}_000019"
            for place, mode, end in (("leftImg8bit", "RGB", "leftImg8bit"), ("gtFine", "L", "gtFine_labelIds")):
                path = tmp_path / place / split / "aachen" / f"{name}_{end}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new(mode, (index + 1, 3)).save(path)
    return DatasetEntry(layout="cityscapes", root=tmp_path)


def test_a_survey_counts_all_images_and_measures_some(entry):
    widths = [number * 11 // SAMPLED + 1 for number in range(SAMPLED)]
    assert survey(entry) == {
        "train": SplitSurvey(11, tuple((3, width) for width in widths)),
        "val": SplitSurvey(1, ((3, 1),)),
    }


@pytest.mark.parametrize(("orientation", "size"), [(1, (10, 20)), (3, (10, 20)), (6, (20, 10)), (8, (20, 10))])
def test_a_size_is_that_of_the_image_as_it_is_read(tmp_path, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (20, 10)).save(tmp_path / "turned.jpg", exif=exif)
    assert image_size(tmp_path / "turned.jpg") == size


def test_a_survey_is_kept_for_a_while_and_a_failure_is_not(entry):
    now = 100.0
    surveys = Surveys(lambda: now)
    first = surveys.of(entry)
    image = entry.root / "leftImg8bit" / "val" / "aachen" / "aachen_000000_000019_leftImg8bit.png"
    image.write_bytes(b"no image")
    assert surveys.of(entry) is first
    now += VALID_SECONDS
    for _ in range(2):
        with pytest.raises(DatasetError, match=image.name):
            surveys.of(entry)
    Image.new("RGB", (7, 5)).save(image)
    assert surveys.of(entry)["val"] == SplitSurvey(1, ((5, 7),))
    entry.root.rename(entry.root.with_name("moved"))
    with pytest.raises(DatasetError, match="does not exist"):
        surveys.of(entry)
