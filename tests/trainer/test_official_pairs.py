"""Market-1501 and DeepFashion from small folders that are laid out like them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.trainer import pair_people
from trainer.data import deepfashion, keypoint_files, market1501, official_pairs
from trainer.data.person_pairs import PersonPairs
from trainer.data.person_sets import person_pairs
from trainer.errors import DataError

SIZE = (128, 64)
# OpenPose's nose, neck, right arm, left arm, right leg, left leg, eyes and ears from the right.
_OPENPOSE = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)


def _line(name: str, keypoints: np.ndarray, missing: tuple[int, ...] = ()) -> str:
    rows: list[tuple[int, int]] = []
    for joint in _OPENPOSE:
        if joint is None:
            x, y = keypoints[[5, 6], :2].mean(0)
        else:
            x, y = (-1, -1) if joint in missing else keypoints[joint, :2]
        rows.append((int(y), int(x)))
    return f"{name}: {[y for y, _ in rows]}: {[x for _, x in rows]}\n"


def _market(folder: Path, people: int = 60) -> Path:
    """Three pictures of each person: of 40 in the training part, of the others in the test part."""
    for part, chosen in (("train", range(1, 41)), ("test", range(41, people + 1))):
        pictures = folder / f"bounding_box_{part}"
        pictures.mkdir(parents=True)
        text = "name:keypoints_y:keypoints_x\n"
        for person in chosen:
            for number in range(3):
                drawn = pair_people.person(person, number, SIZE)
                name = f"{person:04d}_c{number}s1_000{number}51_01.jpg"
                (pictures / name).write_bytes(pair_people.encoded(drawn["image"], ".jpg"))
                text += _line(name, drawn["keypoints"], (9,) if number == 1 else ())
        for name in ("-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg"):
            (pictures / name).write_bytes(pair_people.encoded(drawn["image"], ".jpg"))
            text += _line(name, drawn["keypoints"])
        lost = f"{chosen[0]:04d}_c5s1_000951_01.jpg"
        (pictures / lost).write_bytes(pair_people.encoded(drawn["image"], ".jpg"))
        text += _line(lost, drawn["keypoints"], (11,))  # a hip: not to be used
        (folder / f"market-annotation-{part}.csv").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _market(tmp_path_factory.mktemp("market") / "market1501")


def _people(pairs: PersonPairs) -> set[str]:
    return {official_pairs.person_of(name) for name in pairs.names}


def test_market_has_three_parts_that_share_nobody(market: Path) -> None:
    parts = {
        split: market1501.market1501(market, split) for split in ("train", "validation", "test")
    }
    people = {split: _people(found) for split, found in parts.items()}
    assert people["test"] == {f"{i:04d}" for i in range(41, 61)}
    assert people["train"] | people["validation"] == {f"{i:04d}" for i in range(1, 41)}
    assert not people["train"] & people["validation"]
    assert 1 <= len(people["validation"]) <= 8
    assert len(parts["test"].names) == 60  # neither junk nor distractors nor the hipless one
    assert not parts["test"].masks_exact


def test_market_s_keypoints_become_coco_s(market: Path) -> None:
    test = market1501.market1501(market, "test")
    batch = test.batch(8, np.random.default_rng(0))
    assert batch.source.shape == (8, *SIZE, 3)
    row = test.names.index("0050_c2s1_000251_01.jpg")
    truth = pair_people.person(50, 2, SIZE)
    found = test.keypoints[row]
    assert np.abs(found[:, :2] - truth["keypoints"][:, :2]).max() <= 1.0  # the lists are whole px
    assert set(found[:, 2]) == {2.0}
    wristless = test.keypoints[test.names.index("0050_c1s1_000151_01.jpg")]
    assert wristless[9].tolist() == [0, 0, 0]
    assert (np.delete(wristless, 9, 0)[:, 2] == 2).all()
    picture, mask = test.picture(row)
    assert np.abs(picture.astype(int) - truth["image"]).mean() < 5  # JPEG
    assert mask[truth["mask"] > 0].mean() > 200


def test_the_official_pair_list_is_followed(market: Path) -> None:
    plain = market1501.market1501(market, "test").fixed_pairs(20)
    assert len(plain) == 20
    named = [(f"{i:04d}_c0s1_000051_01.jpg", f"{i:04d}_c2s1_000251_01.jpg") for i in range(45, 55)]
    text = "from,to\n" + "".join(f"{a},{b}\n" for a, b in named)
    listing = market / "market-pairs-test.csv"
    listing.write_text(text, "utf-8")
    try:
        test = market1501.market1501(market, "test")
        found = [(test.names[a], test.names[b]) for a, b in test.fixed_pairs(100)]
        assert found == named
        assert [test.names[a] for a, _ in test.fixed_pairs(5)] == [a for a, _ in named[::2]]
        assert not market1501.market1501(market, "train").listed
        listing.write_text(text + "0001_c0s1_000051_01.jpg,9999_c0s1_000051_01.jpg\n", "utf-8")
        with pytest.raises(DataError, match=r"market-pairs-test\.csv does not fit"):
            market1501.market1501(market, "test")
    finally:
        listing.unlink()


def _fashion(folder: Path) -> Path:
    text = "name:keypoints_y:keypoints_x\n"
    for person in range(1, 4):
        for outfit in (1, 2):
            for number, side in enumerate(("front", "side", "full")):
                drawn = pair_people.person(10 * person + outfit, number, (256, 128))
                shift = 30 * number
                wide = np.full((256, 256, 3), 255, np.uint8)
                wide[:, shift : shift + 128] = drawn["image"]
                points = drawn["keypoints"].copy()
                points[:, 0] += shift
                path = Path("WOMEN", "Dresses", f"id_{person:08d}", f"{outfit:02d}_{number}_{side}")
                path = path.with_suffix(".jpg")
                (folder / "img" / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / "img" / path).write_bytes(pair_people.encoded(wide, ".jpg"))
                text += _line(deepfashion.listed_name(path), points)
    (folder / "fasion-annotation-test.csv").write_text(text, "utf-8")
    return folder


def test_deepfashion_s_own_folder_answers_to_the_lists_names(tmp_path: Path) -> None:
    name = deepfashion.listed_name(Path("WOMEN/Dresses/id_00002711/01_4_full.jpg"))
    assert name == "fasionWOMENDressesid0000271101_4full.jpg"
    assert deepfashion.listed_name(Path(name)) == name
    folder = _fashion(tmp_path)
    test = deepfashion.deepfashion(folder, "test")
    assert (len(test), test.size) == (6, (256, 256))  # three people in two outfits each
    assert test.picture(0)[0].shape == (256, 256, 3)
    narrow = deepfashion.deepfashion(folder, "test", (256, 128))
    for row in range(len(narrow.names)):
        picture, _ = narrow.picture(row)
        assert picture.shape == (256, 128, 3)
        seen = narrow.keypoints[row, :, 2] > 0  # an arm may be cut off
        assert seen.sum() >= 15
        moved = (test.keypoints[row] - narrow.keypoints[row])[seen]
        assert np.ptp(moved[:, 0]) < 1e-3  # only cut, not scaled
        assert not moved[:, 1:].any()
        trunk = narrow.keypoints[row, [5, 6, 11, 12], :2].mean(0)
        assert abs(trunk[0] - 63.5) < 4
        x, y = np.rint(trunk).astype(int)
        a, b = np.rint(test.keypoints[row, [5, 6, 11, 12], :2].mean(0)).astype(int)
        assert np.abs(picture[y, x].astype(int) - test.picture(row)[0][b, a]).max() < 12


def test_the_folder_tells_which_set_it_is(market: Path, tmp_path: Path) -> None:
    assert person_pairs(market, "test", SIZE).name == "Market-1501"
    assert person_pairs(market.parent, "test", SIZE).name == "Market-1501"
    pair_people.write_set(tmp_path / "pairs128")
    pair_people.write_set(tmp_path / "pairs256", size=(256, 128))
    assert person_pairs(tmp_path, "test", SIZE).name == "pairs128"
    assert person_pairs(tmp_path, "test", (256, 128)).name == "pairs256"
    assert person_pairs(tmp_path / "pairs128", "train", SIZE).name == "pairs128"
    assert person_pairs(_fashion(tmp_path / "x"), "test", (256, 256)).name == "DeepFashion"
    with pytest.raises(DataError, match="holds no people in several poses"):
        person_pairs(tmp_path / "pairs128" / "nothing", "test", SIZE)


def _lost_picture(folder: Path) -> None:
    next(iter((folder / "bounding_box_test").glob("0044_c0*"))).unlink()


def _short_line(folder: Path) -> None:
    listing = folder / "market-annotation-test.csv"
    listing.write_text("name:keypoints_y:keypoints_x\n0001_x.jpg: [1, 2]: [3, 4]\n", "utf-8")


def _no_list(folder: Path) -> None:
    (folder / "market-annotation-test.csv").unlink()


def _empty_list(folder: Path) -> None:
    (folder / "market-annotation-test.csv").write_text("name:keypoints_y:keypoints_x\n", "utf-8")


def _no_csv(folder: Path) -> None:
    (folder / "market-annotation-test.csv").write_text("<html>sign in</html>\n<p>x</p>", "utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_lost_picture, "1 of 60 pictures of market-annotation-test.csv are not in"),
        (_short_line, "2 joints in place of 18"),
        (_no_list, "There is no market-annotation-test.csv"),
        (_empty_list, "names no pictures"),
        (_no_csv, "is no keypoint file"),
    ],
)
def test_what_is_missing_or_broken_is_said(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    folder = _market(tmp_path / "m")
    spoil(folder)
    with pytest.raises(DataError, match=message):
        market1501.market1501(folder, "test")


def test_a_damaged_picture_is_named(market: Path) -> None:
    test = market1501.market1501(market, "test")
    path = market / "bounding_box_test" / test.names[5]
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    try:
        with pytest.raises(DataError, match=f"{path.name} is damaged"):
            test.picture(5)
    finally:
        path.write_bytes(whole)
    assert keypoint_files.usable(test.keypoints[5])
