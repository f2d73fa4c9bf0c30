"""Shards: the same bytes whatever dies on the way, and read back where they lie."""

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.trainer import synth_drawing
from trainer import cli
from trainer.data.synthetic import SyntheticSet
from trainer.errors import DataError
from trainer.synthetic import cli_synth, drawing_code, reading, shards, sheet, spread
from trainer.synthetic.ray_engine import RayEngine
from trainer.synthetic.shards import Plan, SetFolder
from trainer.synthetic.spread import Drawing, Processes

ROOT = Path(__file__).resolve().parents[2]
MAKER = "tests.trainer.synth_drawing:maker"
PLAN = Plan("pairs128", 5, 300, 16, "test", versions={"numpy": "1"})

# A run of its own process, that ends itself (as `kill -9` would) before the given file operation.
_RUN = """
import itertools, os, pathlib, signal, sys
from trainer.synthetic import shards, spread
out, count, pause, workers, fatal = sys.argv[1:]
steps = itertools.count()
def counted(function):
    def call(*args, **kwargs):
        if next(steps) == int(fatal):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return call
os.fsync = counted(os.fsync)
pathlib.Path.replace = counted(pathlib.Path.replace)
pathlib.Path.unlink = counted(pathlib.Path.unlink)
if __name__ == "__main__":
    plan = shards.Plan("pairs128", 5, int(count), 16, "test", versions={"numpy": "1"})
    drawing = spread.Drawing("tests.trainer.synth_drawing:maker", (float(pause),))
    with shards.SetFolder(pathlib.Path(out), plan) as folder:
        spread.fill(folder, drawing, spread.Processes(int(workers)))
"""


def in_place(jobs: object, tell: Callable[[int], None]) -> Iterator[shards.Packed]:
    """The engine of one process: this one."""
    for job in jobs:  # type: ignore[attr-defined]
        yield spread.draw_shard(job, tell)


def fill(path: Path, plan: Plan = PLAN, engine: spread.Engine = in_place, *args: object) -> int:
    with SetFolder(path, plan) as folder:
        return spread.fill(folder, Drawing(MAKER, args), engine)


def content(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(path.iterdir()) if p.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run leaves."""
    path = tmp_path_factory.mktemp("whole") / "set"
    assert fill(path) == 300
    return content(path)


def test_a_shard_is_a_webdataset_tar_without_a_trace_of_time_or_owner(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    assert sorted(whole) == [
        "index.json",
        *(f"pairs128-{n:06d}.tar" for n in range(19)),
        "set.json",
    ]
    path = tmp_path / "a.tar"
    path.write_bytes(whole["pairs128-000018.tar"])
    with tarfile.open(path) as tar:
        members = tar.getmembers()
        names = [m.name for m in members]
        wanted = synth_drawing.maker()(5, 290)["mask.png"]
        taken = tar.extractfile("000000290.mask.png")
        assert taken is not None
        assert taken.read() == wanted
    assert names[:4] == [
        "000000288.jpg",
        "000000288.mask.png",
        "000000288.json",
        "000000289.jpg",
    ]
    assert len(names) == 3 * 12
    assert {(m.mtime, m.uid, m.gid, m.uname) for m in members} == {(0, 0, 0, "")}


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_draw_the_same_bytes_and_tell_every_picture(
    whole: dict[str, bytes], tmp_path: Path, workers: int
) -> None:
    told: list[int] = []
    with SetFolder(tmp_path, PLAN) as folder:
        drawn = spread.fill(folder, Drawing(MAKER), Processes(workers), told.append)
    assert drawn == sum(told) == 300
    assert content(tmp_path) == whole
    assert fill(tmp_path) == 0


def test_a_longer_set_is_the_short_one_gone_on(whole: dict[str, bytes], tmp_path: Path) -> None:
    assert fill(tmp_path, Plan("pairs128", 5, 100, 16, "test", versions={"numpy": "1"})) == 100
    assert content(tmp_path)["pairs128-000005.tar"] == whole["pairs128-000005.tar"]
    assert content(tmp_path)["pairs128-000006.tar"] != whole["pairs128-000006.tar"]
    assert fill(tmp_path) == 204  # the last shard held 4 of 16
    assert content(tmp_path) == whole


def _run(out: Path, count: int, pause_s: float, workers: int, fatal: int) -> subprocess.Popen:
    words = [str(word) for word in (out, count, pause_s, workers, fatal)]
    return subprocess.Popen([sys.executable, "-c", _RUN, *words], cwd=ROOT)


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_killed_before_any_step_of_writing_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    want = tmp_path / "want"
    fill(want, Plan("pairs128", 5, 40, 16, "test", versions={"numpy": "1"}))
    with ThreadPoolExecutor(2) as pool:  # two at a time: starting Python is most of it
        outs = [tmp_path / str(step) for step in (*range(12), 99)]
        killed = pool.map(lambda p: _run(p, 40, 0, 1, int(p.name)).wait(60), outs)
        codes = list(killed)
    assert codes == [-signal.SIGKILL] * 12 + [0]  # the last is past the last step
    for out in outs:
        fill(out, Plan("pairs128", 5, 40, 16, "test", versions={"numpy": "1"}))
        assert content(out) == content(want)


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_killed_at_random_moments_the_set_ends_as_if_nothing_had_happened(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    kept = killed = 0
    while kept < 12 and killed < 5:
        run = _run(tmp_path, 300, 0.008, 2, -1)
        begun = time.monotonic()
        # once a run has got further than the one before
        while len(list(tmp_path.glob("*.tar"))) <= kept and time.monotonic() < begun + 20:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.12))
        run.send_signal(signal.SIGKILL)
        assert run.wait(20) == -signal.SIGKILL
        killed += 1
        assert len(list(tmp_path.glob("*.tar"))) > kept
        kept = len(list(tmp_path.glob("*.tar")))
    assert killed >= 3
    assert fill(tmp_path) <= 16 * (19 - kept + 1)  # at most one shard was not counted yet
    assert content(tmp_path) == whole


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_end_soon_after_the_run_is_killed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.mkdir()
    script = _RUN.replace("(float(pause),)", f"(float(pause), {str(trace)!r})")
    words = [str(tmp_path / "out"), "100000", "0.002", "2", "-1"]
    run = subprocess.Popen([sys.executable, "-c", script, *words], cwd=ROOT)
    begun = time.monotonic()
    while len(list(trace.iterdir())) < 2 and time.monotonic() < begun + 20:
        time.sleep(0.02)
    run.kill()
    run.wait()
    workers = [int(p.name.partition("-")[2]) for p in trace.glob("process-*")]
    assert len(workers) == 2
    begun = time.monotonic()
    while any(map(_lives, workers)):
        assert time.monotonic() < begun + 5
        time.sleep(0.02)


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_ctrl_c_stops_with_one_line_and_goes_on_later(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    script = (
        # A suite that runs in the background of a shell ignores Ctrl+C, and so would its children.
        _RUN.replace(
            "steps =", "signal.signal(signal.SIGINT, signal.default_int_handler)\nsteps =", 1
        ).replace('__name__ == "__main__":', '__name__ == "__main__":\n  try:')
        + "  except KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    words = [str(tmp_path), "300", "0.02", "2", "-1"]  # 3 s, if nobody stops it
    run = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    begun = time.monotonic()
    while not list(tmp_path.glob("*.tar")) and time.monotonic() < begun + 20:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all at once
    _, said = run.communicate(timeout=20)
    assert run.returncode == 130
    assert said == b""
    fill(tmp_path)
    assert content(tmp_path) == whole


def test_a_worker_that_dies_is_replaced(whole: dict[str, bytes], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.mkdir()
    out = tmp_path / "out"
    told: list[int] = []
    with SetFolder(out, PLAN) as folder:
        drawing = Drawing(MAKER, (0.0, str(trace), 100, -1, 2))
        spread.fill(folder, drawing, Processes(2), told.append)
    assert len(list(trace.glob("death-*"))) == 2
    assert sum(told) == 300
    assert content(out) == whole


def test_a_worker_that_always_dies_ends_the_run_and_what_is_done_stays(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.mkdir()
    out = tmp_path / "out"
    with pytest.raises(DataError, match=r"died 3 times .* shard 6 .*signal 9.*--workers"):
        fill(out, PLAN, Processes(1), 0.0, str(trace), 100, -1, 99)
    assert [s.first for s in shards.read_index(out)] == [0, 16, 32, 48, 64, 80]


def test_a_drawing_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Picture 40 of seed 5 .*no such hat") as caught:
        fill(tmp_path, PLAN, Processes(1), 0.0, "", -1, 40)
    assert "synth_drawing" in str(caught.value.__cause__)  # where, for those who look
    assert len(shards.read_index(tmp_path)) == 2
    with (
        pytest.raises(DataError, match=r"cannot begin.*no_such_module"),
        SetFolder(tmp_path, PLAN) as folder,
    ):
        spread.fill(folder, Drawing("no_such_module:maker"), Processes(1))


def test_ray_draws_the_same_bytes_though_a_worker_is_killed(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="Ray has no wheel here")
    trace = tmp_path / "trace"
    trace.mkdir()
    out = tmp_path / "out"
    told: list[int] = []
    with SetFolder(out, PLAN) as folder:
        drawing = Drawing(MAKER, (0.0, str(trace), 100))
        spread.fill(folder, drawing, RayEngine(2), told.append)
    assert len(list(trace.glob("death-*"))) == 1
    assert sum(told) == 300
    assert content(out) == whole


def test_without_ray_the_way_to_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match=r'pip install "poseapp\[cluster\]"'):
        fill(tmp_path, PLAN, RayEngine(2))


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (Plan("pairs256", 5, 300, 16, "test"), "set pairs128, not pairs256"),
        (Plan("pairs128", 6, 300, 16, "test"), "seed 5, not 6"),
        (Plan("pairs128", 5, 300, 8, "test"), "shard size 16, not 8"),
        (Plan("pairs128", 5, 300, 16, "more"), "data test, not more"),
        (Plan("pairs128", 5, 299, 16, "test"), "hold 300 pictures"),
    ],
)
def test_another_plan_is_refused_and_nothing_changes(
    tmp_path: Path, other: Plan, says: str
) -> None:
    fill(tmp_path)
    before = content(tmp_path)
    with pytest.raises(DataError, match=says), SetFolder(tmp_path, other):
        pass
    assert content(tmp_path) == before


def test_a_folder_with_shards_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pairs128-000000.tar").write_bytes(b"precious")
    with pytest.raises(DataError, match=r"no set\.json"), SetFolder(tmp_path, PLAN):
        pass
    assert content(tmp_path) == {"pairs128-000000.tar": b"precious"}


def test_files_that_are_not_ours_stay(tmp_path: Path, whole: dict[str, bytes]) -> None:
    for name in ("notes.txt", "holiday.tar.part", "pairs128-notes.tar"):
        fill(tmp_path)
        (tmp_path / name).write_bytes(b"precious")
    fill(tmp_path)
    assert {name for name in content(tmp_path) if name not in whole} == {
        "notes.txt",
        "holiday.tar.part",
        "pairs128-notes.tar",
    }


def test_damaged_missing_and_uncounted_shards_are_drawn_again(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    fill(tmp_path)
    damaged = bytearray(whole["pairs128-000003.tar"])
    damaged[700] ^= 1
    (tmp_path / "pairs128-000003.tar").write_bytes(bytes(damaged))
    (tmp_path / "pairs128-000007.tar").unlink()
    (tmp_path / "pairs128-000099.tar").write_bytes(b"uncounted")
    (tmp_path / "pairs128-000008.tar.part").write_bytes(b"half")
    assert reading.verify(tmp_path) == ["pairs128-000003.tar", "pairs128-000007.tar"]
    assert fill(tmp_path) == 32
    assert content(tmp_path) == whole
    assert reading.verify(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="finds the file by /proc")
@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.ENOSPC, "full: free some space"), (errno.EROFS, "permissions"), (errno.EIO, "error")],
)
def test_a_disk_that_fails_ends_the_run_and_what_is_done_stays(
    whole: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    says: str,
) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.name == "pairs128-000004.tar.part":
            raise OSError(code, os.strerror(code))
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(DataError, match=f"{says}.*The 64 pictures that are done stay"):
            fill(tmp_path)
    assert not list(tmp_path.glob("*.part"))
    assert len(SyntheticSet(tmp_path)) == 64
    fill(tmp_path)
    assert content(tmp_path) == whole


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written to"):
        fill(tmp_path / "file" / "set")
    with pytest.raises(DataError, match="cannot be written to"):
        fill(tmp_path / "file")


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_two_runs_keep_out_of_each_others_way(tmp_path: Path) -> None:
    with (
        SetFolder(tmp_path, PLAN),
        pytest.raises(DataError, match="Another run"),
        SetFolder(tmp_path, PLAN),
    ):
        pass
    fill(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat_over_ten_thousand_pictures(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.mkdir()
    seen: list[float] = []
    with SetFolder(tmp_path / "out", Plan("pairs128", 1, 10_000, 250)) as folder:
        jobs = spread.jobs_of(folder.plan, folder.missing(), Drawing(MAKER, (0.0, str(trace))))
        for packed in Processes(1)(jobs, lambda _: None):
            (worker,) = trace.glob("process-*")
            if packed.number < 39:  # after the last it ends
                seen.append(synth_drawing.memory_mb(int(worker.name.partition("-")[2])))
    assert len(seen) == 39
    assert max(seen[20:]) < max(seen[:10]) + 4.0


# -- reading --


def test_random_access_finds_every_file_of_every_split(tmp_path: Path) -> None:
    fill(tmp_path)
    draw = synth_drawing.maker()
    order = np.random.default_rng(0).permutation(300)
    everything = SyntheticSet(tmp_path)
    assert len(everything) == 300
    for index in order[:40].tolist():
        shard, row = divmod(index, 16)
        path = tmp_path / f"pairs128-{shard:06d}.tar"
        assert reading.files(path, reading.scan(path), row) == dict(draw(5, index))
        assert everything.labels(index)["index"] == index
    for split, wanted in (
        ("train", [i for i in range(300) if i // 8 % 4 < 2]),
        ("validation", [i for i in range(300) if i // 8 % 4 == 2]),
        ("test", [i for i in range(300) if i // 8 % 4 == 3]),
    ):
        part = SyntheticSet(tmp_path, split)
        assert part.numbers.tolist() == wanted
        assert part.columns("index", "split")["index"].tolist() == wanted
    groups = SyntheticSet(tmp_path, "test").groups()
    assert list(groups)[:3] == [3, 7, 11]
    assert groups[7].tolist() == list(range(8, 16))
    assert [everything.labels(-1)["index"], everything.labels(0)["index"]] == [299, 0]
    with pytest.raises(IndexError):
        everything.labels(300)


def _pictures(path: Path, count: int = 48) -> None:
    """A set of pictures that can be decoded."""
    plan = Plan("crops256", 0, count, 16)
    with SetFolder(path, plan) as folder:
        for number in folder.missing():
            folder.add(shards.pack(number, ((i, _sample(i)) for i in plan.span(number))))


def _sample(index: int) -> dict[str, bytes]:
    image = synth_drawing.noise((64, 96), index)
    parts = np.zeros((96, 64), np.uint8)
    parts[20:80, 20:44] = 1 + index % 15
    keypoints = np.random.default_rng(index).uniform(10, 60, (17, 3))
    keypoints[:, 2] = np.arange(17) % 3
    labels = {"keypoints": keypoints.tolist(), "split": "train", "identity": index // 4}

    def png(array: np.ndarray) -> bytes:
        return cv2.imencode(".png", array)[1].tobytes()

    return {
        "jpg": cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes(),
        "mask.png": png((parts > 0).astype(np.uint8) * 255),
        "parts.png": png(parts),
        "cloth.png": png((parts > 0).astype(np.uint8) * 3),
        "json": json.dumps(labels).encode(),
    }


def test_samples_decode_to_what_was_drawn_in_threads_and_after_pickling(tmp_path: Path) -> None:
    _pictures(tmp_path)
    found = SyntheticSet(tmp_path)
    sample = found[21]
    assert sample.index == 21
    difference = sample.image.astype(int) - synth_drawing.noise((64, 96), 21)
    assert np.abs(difference).mean() < 4.0  # JPEG; with red and blue exchanged it is above 30
    assert sample.parts is not None
    assert sample.mask is not None
    assert sample.cloth is not None
    assert np.unique(sample.parts).tolist() == [0, 7]
    assert np.array_equal(sample.mask == 255, sample.parts > 0)
    assert np.unique(sample.cloth).tolist() == [0, 3]
    assert found.columns("keypoints")["keypoints"].shape == (48, 17, 3)

    order = np.random.default_rng(1).integers(0, 48, 200).tolist()
    start = threading.Barrier(4)

    def read(part: int) -> list[np.ndarray]:
        start.wait()
        return [found[i].image for i in order[part::4]]

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(read, range(4)))
    copy = pickle.loads(pickle.dumps(found))
    for part in range(4):
        for index, image in zip(order[part::4], parts[part], strict=True):
            assert np.array_equal(image, copy[index].image)
    assert np.array_equal(found.images([3, 40])[1], found[40].image)


def test_a_set_can_be_read_while_it_grows_and_with_another(tmp_path: Path) -> None:
    with SetFolder(tmp_path / "a", PLAN) as folder:
        with pytest.raises(DataError, match="no picture yet"):
            SyntheticSet(tmp_path / "a")
        for number in (4, 2):
            job = spread.jobs_of(PLAN, [number], Drawing(MAKER))[0]
            folder.add(spread.draw_shard(job))
        grown = SyntheticSet(tmp_path / "a")
        assert grown.numbers.tolist() == [*range(32, 48), *range(64, 80)]
    _pictures(tmp_path / "b")
    both = SyntheticSet([tmp_path / "a", tmp_path / "b"])
    assert len(both) == 32 + 48
    assert both.labels(33)["identity"] == 0
    assert both[33].image.shape == (96, 64, 3)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set\.json.*data synth"):
        SyntheticSet(tmp_path)
    _pictures(tmp_path)
    with pytest.raises(DataError, match=r"no picture of the split test"):
        SyntheticSet(tmp_path, "test")
    found = SyntheticSet(tmp_path)
    with pytest.raises(DataError, match=r"no label 'shoe_size', only keypoints, split, identity"):
        found.columns("shoe_size")
    path = tmp_path / "crops256-000001.tar"
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    with pytest.raises(DataError, match=r"000001\.tar.*too early"):
        found[20]
    path.write_bytes((tmp_path / "crops256-000000.tar").read_bytes())
    with pytest.raises(DataError, match="does not hold what its index says"):
        SyntheticSet(tmp_path)[20]
    path.unlink()
    with pytest.raises(DataError, match=r"000001\.tar"):
        SyntheticSet(tmp_path)[20]
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(DataError, match=r"index\.json cannot be read"):
        SyntheticSet(tmp_path)


# -- commands --


def test_help_and_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSEAPP_DATA", raising=False)
    with pytest.raises(SystemExit) as left:
        cli.main(["data", "synth", "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in cli_synth.SETS)
    words = ["data", "synth", "people", "--count", "4", "--out", str(tmp_path / "out")]
    assert cli.main([*words, "--data", str(tmp_path)]) == 1
    assert "--mannequin" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert cli.main(["data", "sheet", str(tmp_path)]) == 1
    assert "set.json" in capsys.readouterr().err


def test_the_command_draws_what_a_set_draws_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainer.synthetic import sets

    assert list(cli_synth.SETS) == list(sets.SETS)
    monkeypatch.delenv("POSEAPP_DATA", raising=False)
    data, out = tmp_path / "data", tmp_path / "set"
    data.mkdir()
    words = ["data", "synth", "pairs128", "--out", str(out), "--data", str(data), "--mannequin"]
    assert cli.main([*words, "--count", "3", "--shard-size", "2", "--workers", "1"]) == 0
    assert "3/3" in capsys.readouterr().err  # the bar
    before = content(out)
    assert cli.main([*words, "--count", "3"]) == 0  # the folder knows its shard size
    assert content(out) == before
    plan = shards.read_plan(out)
    draw = cli_synth.open_set(
        cli_synth.Request("pairs128", str(data), plan.assets, drawing_code.digest())
    )
    path = out / "pairs128-000000.tar"
    assert reading.files(path, reading.scan(path), 1) == draw(0, 1)
    sample = SyntheticSet(out)[2]
    assert sample.image.shape == (128, 64, 3)
    assert sample.extra["clean.jpg"].shape == (128, 64, 3)
    assert sample.labels["index"] == 2
    assert sample.mask is not None
    assert (sample.mask > 128).mean() > 0.05
    assert cli.main([*words, "--count", "3", "--seed", "1"]) == 1
    assert "seed 0, not 1" in capsys.readouterr().err


def test_hidden_keypoints_are_hollow_and_absent_ones_not_drawn() -> None:
    keypoints = np.zeros((17, 3))
    keypoints[9], keypoints[10] = (30, 40, 2), (80, 40, 1)
    drawn = sheet.draw_keypoints(np.full((100, 120, 3), 7, np.uint8), keypoints, 2.0)
    red, _, blue = drawn[40, 30].astype(int)
    assert red > blue + 50  # a left wrist is warm
    assert drawn[40, 80].tolist() == [7, 7, 7]
    red, _, blue = drawn[40, 80 + 8].astype(int)  # its ring
    assert blue > red + 50
    assert np.flatnonzero((drawn != 7).any((1, 2))).min() > 20  # nothing at (0, 0)
    assert sheet.chosen(80, 8, 4) == [0, 1, 2, 3, 76, 77, 78, 79]
    assert sheet.chosen(5, 24) == [0, 1, 2, 3, 4]


def test_the_sheet_shows_pictures_parts_and_masks(tmp_path: Path) -> None:
    _pictures(tmp_path / "set")
    out = tmp_path / "sheet.png"
    assert cli.main(["data", "sheet", str(tmp_path / "set"), "-o", str(out), "--count", "6"]) == 0
    plain = cv2.imread(str(out))
    assert (
        cli.main(
            ["data", "sheet", str(tmp_path / "set"), "-o", str(out), "--count", "6", "--labels"]
        )
        == 0
    )
    labelled = cv2.imread(str(out))
    assert plain.std() > 10
    colours = set(map(tuple, labelled[..., ::-1].reshape(-1, 3).tolist()))
    parts = [SyntheticSet(tmp_path / "set")[i].parts for i in sheet.chosen(48, 6)]
    for part in {int(p.max()) for p in parts if p is not None}:
        assert tuple(int(v) for v in sheet.PALETTE[part]) in colours
    assert len({tuple(row) for row in sheet.PALETTE.tolist()}) == 16
