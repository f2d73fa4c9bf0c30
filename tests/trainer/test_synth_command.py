"""`data synth` as a command: which program and which poses a set is drawn with, and mistakes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.test_synth_shards import MAKER, ROOT, content, fill, in_place
from trainer import cli
from trainer.errors import DataError
from trainer.synthetic import (
    cli_synth,
    drawing_code,
    lifted,
    reading,
    sets,
    shards,
    spread,
    written_poses,
)
from trainer.synthetic.shards import Plan, SetFolder
from trainer.synthetic.spread import Drawing

# -- the program and its poses --


def _begun(path: Path, drawing: str, count: int = 40) -> None:
    plan = Plan("pairs128", 5, count, 16, "test", drawing=drawing)
    with SetFolder(path, plan) as folder:
        folder.add(spread.draw_shard(spread.jobs_of(plan, [0], Drawing(MAKER))[0]))


def test_a_set_is_not_drawn_by_two_programs_unless_asked_for(tmp_path: Path) -> None:
    other = Plan("pairs128", 5, 40, 16, "test", drawing="bbb")
    _begun(tmp_path / "a", "aaa")
    before = content(tmp_path / "a")
    with pytest.raises(DataError, match=r"draws otherwise \(aaa, this one is bbb\).*--mixed"):
        fill(tmp_path / "a", other)
    assert content(tmp_path / "a") == before

    def mix(path: Path, plan: Plan) -> str:
        with SetFolder(path, plan, mixed=True) as folder:
            spread.fill(folder, Drawing(MAKER), in_place)
        return shards.read_plan(path).drawing

    assert mix(tmp_path / "a", other) == "aaa+bbb"
    assert fill(tmp_path / "a", other) == 0  # it is whole, and the last program's
    assert fill(tmp_path / "a", Plan("pairs128", 5, 40, 16, "test", drawing="ccc")) == 0
    assert shards.read_plan(tmp_path / "a").drawing == "aaa+bbb"
    longer = Plan("pairs128", 5, 48, 16, "test", drawing="aaa")
    with pytest.raises(DataError, match=r"\(bbb, this one is aaa\)"):
        fill(tmp_path / "a", longer)
    assert mix(tmp_path / "a", longer) == "aaa+bbb+aaa"

    with SetFolder(tmp_path / "b", Plan("pairs128", 5, 40, 16, "test", drawing="aaa")):
        pass  # begun, and nothing drawn yet: nothing can be mixed
    assert fill(tmp_path / "b", other) == 40
    assert shards.read_plan(tmp_path / "b").drawing == "bbb"
    _begun(tmp_path / "c", "")
    with pytest.raises(DataError, match=r"\(unknown, this one is bbb\)"):
        fill(tmp_path / "c", other)


def test_the_digest_covers_all_that_drawing_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys, trainer.synthetic.sets, trainer.synthetic.studio\n"
        "print(*(n.removeprefix('trainer.synthetic.') for n in sys.modules"
        " if n.startswith('trainer.synthetic.')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"hair", "samples", "mannequin", "lifted"} <= set(loaded)
    assert not drawing_code.CARRIERS & set(loaded)
    there = {path.stem for path in (ROOT / "trainer" / "synthetic").glob("*.py")}
    assert there >= drawing_code.CARRIERS

    def altered(stem: str, tail: bytes) -> str:
        read = Path.read_bytes

        def reading_it(path: Path) -> bytes:
            return read(path) + (tail if path.name == f"{stem}.py" else b"")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", reading_it)
            return drawing_code.digest()

    assert altered("hair", b"") == altered("sheet", b"X = 1\n")
    assert altered("hair", b"X = 1\n") not in (altered("hair", b""), altered("mocap", b"#\n"))
    assert altered("hair", b"X = 1\r\n") == altered("hair", b"X = 1\n")


def _people(shift: float = 0.0) -> dict[str, np.ndarray]:
    """Lifted people: upright ones with a bend that differs."""
    found = {}
    for seed, split in enumerate(lifted.SPLITS):
        joints = written_poses.joints(written_poses.POSES["standing"])
        noise = np.random.default_rng(seed).normal(0.0, 20.0, (6, 17, 3))
        noise[:, 0] = 0.0
        found[split] = (np.asarray(joints) + noise + shift).astype(np.float32)
    return found


def test_lifted_people_travel_in_a_file_that_tells_them_apart(tmp_path: Path) -> None:
    people = _people()
    held = lifted.unpacked(lifted.packed(people))
    assert lifted.packed(held) == lifted.packed(people)
    assert lifted.digest(held) == lifted.digest(people) != lifted.digest(_people(0.3))
    for split, poses in people.items():
        np.testing.assert_allclose(held[split], poses, atol=0.051)
    swapped = {**people, "test": people["train"], "train": people["test"]}
    assert lifted.digest(swapped) != lifted.digest(people)
    path = tmp_path / "poses.npz"
    for damaged in (b"", b"poses", lifted.packed(people)[:-40]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="holds no lifted people"):
            lifted.unpacked(path)


@pytest.fixture
def doll_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of keypoints without a pack, and a machine that would lift `_people()`."""
    monkeypatch.delenv("POSEAPP_DATA", raising=False)
    (tmp_path / "data" / "coco").mkdir(parents=True)
    (tmp_path / "data" / "coco" / "person_keypoints.npz").write_bytes(b"keypoints")
    monkeypatch.setattr(lifted, "everyone", lambda data: _people())
    monkeypatch.setattr(drawing_code, "digest", lambda: "aaa")
    monkeypatch.setattr(cli_synth, "_engine", lambda args: in_place)
    return tmp_path / "data"


def _synth(out: Path, data: Path, count: int, *more: object) -> int:
    words = ["data", "synth", "pairs128", "--out", out, "--data", data, "--mannequin"]
    sized = ["--count", count, "--shard-size", 8, "--workers", 1]
    return cli.main([str(word) for word in (*words, *sized, *more)])


def test_a_set_keeps_the_people_it_was_begun_with(
    tmp_path: Path, doll_data: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out, poses = tmp_path / "set", tmp_path / "set" / lifted.FILE
    assert _synth(out, doll_data, 8) == 0
    assert shards.read_plan(out).poses == lifted.digest(_people())
    assert poses.read_bytes() == lifted.packed(_people())
    request = cli_synth.Request(
        "pairs128",
        str(doll_data),
        shards.read_plan(out).assets,
        drawing_code.digest(),
        lifted.packed(_people()),
    )
    draw = cli_synth.open_set(request)
    bank = draw.args[0].bank  # type: ignore[attr-defined]
    assert "coco" in bank.sources
    np.testing.assert_allclose(bank._people, _people()["train"], atol=0.051)

    # Another machine, that lifts others or none: the set's own are used, whoever goes on.
    monkeypatch.setattr(lifted, "everyone", lambda data: _people(3.0))
    assert _synth(out, doll_data, 16) == 0
    path = out / "pairs128-000001.tar"
    assert reading.files(path, reading.scan(path), 3) == dict(draw(0, 11))
    capsys.readouterr()

    # Lost: made again where the same comes out, else said.
    poses.unlink()
    before = content(out)
    assert _synth(out, doll_data, 24) == 1
    assert "cannot make the same again" in capsys.readouterr().err
    assert content(out) == before
    kept = tmp_path / "kept.npz"
    kept.write_bytes(lifted.packed(_people(3.0)))
    assert _synth(out, doll_data, 24, "--poses", kept) == 1
    assert "holds other people" in capsys.readouterr().err
    kept.write_bytes(lifted.packed(_people()))
    assert _synth(out, doll_data, 16, "--poses", kept) == 0
    assert poses.read_bytes() == kept.read_bytes()
    poses.write_bytes(b"damaged")
    monkeypatch.setattr(lifted, "everyone", lambda data: _people())
    assert _synth(out, doll_data, 16) == 0
    assert poses.read_bytes() == kept.read_bytes()


def test_missing_weights_are_said_and_recorded(
    tmp_path: Path, doll_data: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "set"
    with monkeypatch.context() as patch:
        patch.setattr(lifted.paths, "weights_dir", lambda: tmp_path / "no weights")
        assert _synth(out, doll_data, 8) == 0
    assert "weights are missing" in caplog.text
    assert shards.read_plan(out).poses.startswith("none: the lifter's weights are missing")
    assert not (out / lifted.FILE).exists()
    assert _synth(out, doll_data, 8) == 0  # with weights now: the set stays as it was begun
    assert shards.read_plan(out).poses.startswith("none: ")
    poses = tmp_path / "poses.npz"
    poses.write_bytes(lifted.packed(_people()))
    assert _synth(out, doll_data, 8, "--poses", poses) == 1
    assert "begun without poses" in capsys.readouterr().err


def test_a_worker_that_would_draw_otherwise_draws_nothing(tmp_path: Path, doll_data: Path) -> None:
    assets = cli_synth.assets_of(doll_data, None)
    right = cli_synth.Request("pairs128", str(doll_data), assets, drawing_code.digest())
    with pytest.raises(DataError, match="another version"):
        cli_synth.open_set(replace(right, drawing="other"))
    (doll_data / "coco" / "person_keypoints.npz").write_bytes(b"other keypoints")
    with pytest.raises(DataError, match=r"data in .* have changed"):
        cli_synth.open_set(right)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--count", "0"], "1 or more, not 0"),
        (["--count", "many"], "1 or more, not many"),
        (["--workers", "-2"], "1 or more, not -2"),
        (["--seed", "-3"], "a seed at least 0"),
        (["--colour"], "Unrecognized arguments: --colour"),
        (["--engine", "steam"], "steam"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    words: list[str], said: str, tmp_path: Path, doll_data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert _synth(tmp_path / "set", doll_data, 8, *words) == 1
    text = capsys.readouterr().err.splitlines()
    assert said in text[-1]
    assert not any(line.startswith("usage") for line in text)


def test_the_help_says_what_the_sets_are() -> None:
    assert list(cli_synth.SETS) == list(sets.SETS)
    for name, plan in sets.SETS.items():
        many = "picture" if plan.per_identity == 1 else "pictures"
        start = f"{plan.size[0]}x{plan.size[1]} px; {plan.per_identity} {many} of each identity"
        assert cli_synth.SETS[name].startswith(start)
