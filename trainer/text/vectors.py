"""Word and sentence vectors with NumPy alone: compact tables, fastText's `.bin` and `.vec`.

Paper 1, section 2.3: a sentence is the average of the normalised vectors of its words; section 4.3
multiplies it by 30 to bring it to the scale of the noise.
"""

import mmap
from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from trainer import paths
from trainer.errors import ArtifactError, CaptionError
from trainer.text.tokens import is_latin, tokens

DIM = 300
SCALE = 30.0
SHIPPED = "word_vectors.npz"

_BIN_MAGIC = 793712314
_END = b"</s>"


class WordVectors(ABC):
    """A source of word vectors.

    Attributes:
        dim: length of a vector.
    """

    dim: int

    @abstractmethod
    def __contains__(self, word: str) -> bool:
        """Whether the word itself was seen in training."""

    @abstractmethod
    def word(self, word: str) -> np.ndarray:
        """(dim,) float32, fastText's `get_word_vector`; zeros if nothing is known of the word."""

    def guess(self, word: str) -> bool:
        """Whether the vector of an unseen word, made from its n-grams, is worth using."""
        return is_latin(word) and bool(np.any(self.word(word)))

    def sentence(self, words: list[str]) -> np.ndarray:
        """(dim,) float32, as fastText's `get_sentence_vector` of the words."""
        total = np.zeros(self.dim, np.float32)
        count = 0
        for word in words:
            vector = self.word(word)
            norm = float(np.linalg.norm(vector))
            if norm > 0:
                total += vector / norm
                count += 1
        return total / count if count else total

    def words_known(self, text: str) -> list[str]:
        """The words of `text` that are understood: seen in training, or guessed from n-grams."""
        return [w for w in tokens(text) if w in self or self.guess(w)]

    def encode(self, text: str) -> np.ndarray:
        """The condition of a caption: its sentence vector times 30.

        Words that are not understood (other scripts, emoji) are left out.

        Returns:
            (300,) float32.
        Raises:
            CaptionError: nothing of the text can be read.
        """
        if not text.strip():
            raise CaptionError("The caption is empty: describe a pose, such as 'a man is surfing'.")
        known = self.words_known(text)
        if not known:
            raise CaptionError(
                "No word of this caption is known: describe the pose in English words, such as "
                "'a man is playing tennis'."
            )
        vector = self.sentence(known)
        if self.dim != DIM:
            raise ArtifactError(
                f"These word vectors have {self.dim} dimensions and the models need {DIM}: "
                "choose a 300-dimensional file."
            )
        return (SCALE * vector).astype(np.float32)


class CompactVectors(WordVectors):
    """The shipped table: whole words and n-gram buckets as int8 with a scale a row."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path) as file:
                names = bytes(file["words"]).decode("utf-8").split("\n")
                self._rows, self._scales = file["word_rows"], file["word_scales"]
                self._bucket_rows, self._bucket_scales = file["bucket_rows"], file["bucket_scales"]
                self._minn, self._maxn = (int(v) for v in file["ngrams"])
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as exc:
            raise ArtifactError(f"Cannot read {path.name}: {exc}. Install it again.") from exc
        self._index = {name: i for i, name in enumerate(names)}
        if len(names) != len(self._rows):
            raise ArtifactError(f"{path.name} is damaged: its words and rows do not match.")
        self.dim = self._rows.shape[1]
        self.word = lru_cache(maxsize=4096)(self._word)  # type: ignore[method-assign]
        self._unit: np.ndarray | None = None

    def __contains__(self, word: str) -> bool:
        return word in self._index

    def word(self, word: str) -> np.ndarray:
        raise NotImplementedError  # replaced by the cached method

    def _word(self, word: str) -> np.ndarray:
        row = self._index.get(word)
        if row is not None:
            return self._rows[row].astype(np.float32) * np.float32(self._scales[row])
        ids = ngram_buckets(word, self._minn, self._maxn, len(self._bucket_rows))
        if not ids:
            return np.zeros(self.dim, np.float32)
        rows = self._bucket_rows[ids].astype(np.float32)
        return (rows * self._bucket_scales[ids, None].astype(np.float32)).mean(0)

    def guess(self, word: str) -> bool:
        """A misspelling lies near the word that was meant; a random string lies near none."""
        if not is_latin(word):
            return False
        if self._unit is None:
            rows = self._rows.astype(np.float32)
            self._unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        vector = self.word(word)
        norm = float(np.linalg.norm(vector))
        return norm > 0 and float((self._unit @ vector).max()) / norm >= _GUESS_COSINE


_GUESS_COSINE = 0.6


class BinVectors(WordVectors):
    """An official fastText `.bin`, memory-mapped: 7 GB open in a second."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._read(path)
        except (OSError, ValueError, IndexError) as exc:
            raise ArtifactError(f"Cannot read {path.name} as a fastText .bin file: {exc}.") from exc

    def _read(self, path: Path) -> None:
        buffer = self._map
        magic, version = np.frombuffer(buffer[:8], "<i4")
        if magic != _BIN_MAGIC or version not in (11, 12):
            raise ArtifactError(f"{path.name} is not a fastText .bin file of a known version.")
        args = np.frombuffer(buffer[8:56], "<i4")
        self.dim, self._buckets = int(args[0]), int(args[8])
        self._minn, self._maxn = int(args[9]), int(args[10])
        at = 64  # magic, version, 12 numbers, one double
        size, words, _ = (int(v) for v in np.frombuffer(buffer[at : at + 12], "<i4"))
        prune = int(np.frombuffer(buffer[at + 20 : at + 28], "<i8")[0])
        at += 28
        self._index: dict[bytes, int] = {}
        find = buffer.find
        for i in range(size):
            end = find(b"\0", at)
            if end < 0:
                raise ValueError("the dictionary ends early")
            if i < words:
                self._index[buffer[at:end]] = i
            at = end + 10  # terminator, count (8 bytes), kind (1 byte)
        if prune > 0 or buffer[at]:
            raise ArtifactError(f"{path.name} is quantised: choose the full .bin file.")
        rows, columns = (int(v) for v in np.frombuffer(buffer[at + 1 : at + 17], "<i8"))
        if columns != self.dim or rows < words or at + 17 + 4 * rows * columns > len(buffer):
            raise ValueError("its table has the wrong size")
        self._words = words
        self._rows = np.ndarray((rows, columns), "<f4", buffer, at + 17)

    def __contains__(self, word: str) -> bool:
        return word.encode() in self._index

    def word(self, word: str) -> np.ndarray:
        name = word.encode()
        row = self._index.get(name)
        ids = [] if row is None else [row]
        if name != _END and self._buckets:
            ids += [
                self._words + i for i in ngram_buckets(word, self._minn, self._maxn, self._buckets)
            ]
        if not ids:
            return np.zeros(self.dim, np.float32)
        return self._rows[ids].mean(0, dtype=np.float64).astype(np.float32)


class VecVectors(WordVectors):
    """A fastText or word2vec `.vec` text file; only the places of its lines are held in memory."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            at = self._map.find(b"\n") + 1
            count, dim = (int(v) for v in self._map[:at].split())
        except (OSError, ValueError) as exc:
            raise ArtifactError(f"Cannot read {path.name} as a .vec file: {exc}.") from exc
        self.dim, self._path = dim, path
        self._place: dict[bytes, int] = {}
        find, size = self._map.find, len(self._map)
        for _ in range(count):
            space = find(b" ", at)
            if space < 0 or at >= size:
                break
            self._place.setdefault(self._map[at:space], space + 1)
            at = find(b"\n", space) + 1
            if at == 0:
                break
        if not self._place:
            raise ArtifactError(f"{path.name} holds no vectors.")

    def __contains__(self, word: str) -> bool:
        return word.encode() in self._place

    def word(self, word: str) -> np.ndarray:
        place = self._place.get(word.encode())
        if place is None:
            return np.zeros(self.dim, np.float32)
        end = self._map.find(b"\n", place)
        values = self._map[place : end if end >= 0 else len(self._map)].split()
        try:
            vector = np.array(values, dtype=np.float32)
        except ValueError as exc:
            raise ArtifactError(f"{self._path.name}: the vector of '{word}' is damaged.") from exc
        if len(vector) != self.dim:
            raise ArtifactError(f"{self._path.name}: the vector of '{word}' is damaged.")
        return vector


def ngram_buckets(word: str, minn: int, maxn: int, buckets: int) -> list[int]:
    """The hashed character n-grams of `<word>`, in fastText's order and with its FNV-1a variant."""
    if buckets <= 0 or maxn <= 0:
        return []
    characters = [c.encode() for c in f"<{word}>"]
    ids = []
    for start in range(len(characters)):
        for n in range(max(minn, 1), maxn + 1):
            stop = start + n
            if stop > len(characters):
                break
            if n == 1 and (start == 0 or stop == len(characters)):
                continue  # the bare word boundaries
            value = 2166136261
            for byte in b"".join(characters[start:stop]):
                # fastText widens a *signed* char, so bytes above 127 flip the upper bits too.
                value ^= byte if byte < 128 else byte | 0xFFFFFF00
                value = value * 16777619 & 0xFFFFFFFF
            ids.append(value % buckets)
    return ids


def load(path: Path | None = None) -> WordVectors:
    """Open a compact table (the shipped one by default), a `.bin` or a `.vec` by its ending."""
    path = Path(path) if path is not None else paths.resources_dir() / SHIPPED
    if not path.exists():
        raise ArtifactError(f"The word vectors {path.name} are missing from {path.parent}.")
    if path.suffix == ".bin":
        return BinVectors(path)
    if path.suffix == ".vec":
        return VecVectors(path)
    if path.suffix == ".npz":
        return CompactVectors(path)
    raise ArtifactError(f"{path.name}: choose word vectors that end in .bin, .vec or .npz.")
