"""The NumPy readers against fastText itself, and captions that cannot be read."""

from pathlib import Path

import numpy as np
import pytest

from trainer.errors import ArtifactError, CaptionError
from trainer.text import vectors
from trainer.text.tokens import tokens

SENTENCES = (
    "a man playing tennis on a court",
    "two skiers ski down a hill",
    "an unseenword beside a dog",
    "naïve façade 滑雪 tennis",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory):
    fasttext = pytest.importorskip("fasttext")
    corpus = tmp_path_factory.mktemp("words") / "corpus.txt"
    lines = ["a man playing tennis on a court", "a dog runs on a hill", "two skiers ski down"]
    corpus.write_text("\n".join(lines * 60), "utf-8")
    return fasttext.train_unsupervised(
        str(corpus), dim=300, bucket=500, minn=3, maxn=6, epoch=2, thread=12, minCount=1, verbose=0
    )


def test_bin_reader_equals_the_library(model, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    model.save_model(str(path))
    ours = vectors.load(path)
    for sentence in SENTENCES:
        np.testing.assert_allclose(
            ours.sentence(sentence.split()), model.get_sentence_vector(sentence), atol=2e-6
        )
    assert "tennis" in ours
    assert "tenniz" not in ours


def test_compact_table_keeps_the_direction(model, tmp_path: Path) -> None:
    from trainer.text.build import lowest_cosine, pack

    path = tmp_path / "m.npz"
    pack(model, path)
    assert lowest_cosine(model, path, list(SENTENCES)) > 0.9995


def test_vec_reader_equals_the_library(model, tmp_path: Path) -> None:
    path = tmp_path / "m.vec"
    words = model.get_words()
    rows = [f"{w} " + " ".join(f"{v:.7f}" for v in model.get_word_vector(w)) for w in words]
    path.write_text(f"{len(words)} 300\n" + "\n".join(rows) + "\n", "utf-8")
    ours = vectors.load(path)
    sentence = SENTENCES[0]
    np.testing.assert_allclose(
        ours.sentence(sentence.split()), model.get_sentence_vector(sentence), atol=1e-5
    )
    np.testing.assert_array_equal(ours.sentence(["unseenword"]), np.zeros(300))


def test_a_sparse_giant_bin_opens_at_once(tmp_path: Path) -> None:
    """A file of gigabytes is mapped, not read."""
    path = tmp_path / "giant.bin"
    rows = 2_000_000
    args = np.array([793712314, 12, 300, 5, 5, 1, 5, 1, 1, 1, rows - 1, 3, 6, 100], "<i4")
    head = args.tobytes() + np.array([1e-4], "<f8").tobytes()
    head += np.array([1, 1, 0], "<i4").tobytes() + np.array([1, -1], "<i8").tobytes()
    head += b"man\0" + np.array([1], "<i8").tobytes() + b"\0"
    head += b"\0" + np.array([rows, 300], "<i8").tobytes()
    with path.open("wb") as file:
        file.write(head)
        file.write(np.ones(300, "<f4").tobytes())
        file.truncate(len(head) + rows * 300 * 4)
    if path.stat().st_blocks * 512 > 10**8:
        pytest.skip("this file system has no sparse files")
    ours = vectors.load(path)
    assert "man" in ours
    assert ours.word("man")[0] == pytest.approx(1 / 7)  # its row of ones, and six n-grams of zeros
    path.unlink()


@pytest.mark.parametrize("content", [b"", b"hello there, no vectors in here", b"\xba\x16O/" * 30])
def test_damaged_files_give_one_sentence(tmp_path: Path, content: bytes) -> None:
    for ending in (".bin", ".vec", ".npz"):
        path = tmp_path / f"bad{ending}"
        path.write_bytes(content)
        with pytest.raises(ArtifactError, match="bad"):
            vectors.load(path)


def test_missing_file_and_unknown_ending(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="missing"):
        vectors.load(tmp_path / "none.bin")
    other = tmp_path / "x.txt"
    other.touch()
    with pytest.raises(ArtifactError, match="end in"):
        vectors.load(other)


@pytest.fixture(scope="module")
def shipped() -> vectors.WordVectors:
    return vectors.load()


def test_shipped_table_is_small_and_knows_its_words(shipped: vectors.WordVectors) -> None:
    from trainer import paths

    assert (paths.resources_dir() / vectors.SHIPPED).stat().st_size <= 8_000_000
    text = "A man's playing tenniss, 滑雪 zzqxv!"
    assert shipped.words_known(text) == ["a", "man", "s", "playing", "tenniss"]
    surf, surfer, soup = (shipped.word(w) for w in ("surfing", "surfer", "soup"))
    assert _cosine(surf, surfer) > _cosine(surf, soup) + 0.2


@pytest.mark.parametrize("text", ["", "   ", "滑雪", "🏄🎾", "!!! ...", "zzqxv"])
def test_unreadable_captions_say_so(shipped: vectors.WordVectors, text: str) -> None:
    with pytest.raises(CaptionError, match=r"caption"):
        shipped.encode(text)


def test_encode_is_thirty_times_the_sentence(shipped: vectors.WordVectors) -> None:
    vector = shipped.encode("A man, surfing.")
    assert vector.shape == (300,)
    np.testing.assert_allclose(vector, 30 * shipped.sentence(["a", "man", "surfing"]), rtol=1e-6)


def test_tokens_fold_case_accents_and_punctuation() -> None:
    assert tokens("A café's T-shirt, No.7!") == ["a", "cafe", "s", "t", "shirt", "no", "7"]


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
