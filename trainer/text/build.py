"""`python -m trainer data words`: fastText vectors of the captions, packed into a compact table."""

import argparse
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from trainer import paths
from trainer.data.captions import training_texts
from trainer.errors import TrainerError
from trainer.text.tokens import tokens
from trainer.text.vectors import SHIPPED, load

# With fewer than ten threads the library leaves part of its matrix uninitialised.
_THREADS = 12
_LARGEST_BYTES = 8_000_000

_log = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Parse the options, train, pack, and check the table against the library."""
    parser = argparse.ArgumentParser(prog="python -m trainer data words", description=__doc__)
    parser.add_argument("--data", help="folder that holds coco/")
    parser.add_argument("--out", type=Path, help=f"default resources/{SHIPPED}")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--buckets", type=int, default=15_000)
    parser.add_argument("--min-count", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="also keep the full model here (.bin)")
    args = parser.parse_args(argv)
    texts = [" ".join(tokens(t)) for t in training_texts(paths.data_root(args.data))]
    model = train(texts, args.epochs, args.buckets, args.min_count)
    if args.keep:
        model.save_model(str(args.keep))
    out = args.out or paths.resources_dir() / SHIPPED
    pack(model, out)
    size = out.stat().st_size
    if size > _LARGEST_BYTES:
        raise TrainerError(f"{out.name} is {size / 1e6:.1f} MB: use fewer --buckets.")
    sample = texts[:: max(1, len(texts) // 500)]
    _log.info(
        "%s: %.2f MB, %d words, lowest cosine to the library's sentence vectors %.5f",
        out.name,
        size / 1e6,
        len(model.get_words()),
        lowest_cosine(model, out, sample),
    )
    return 0


def train(texts: list[str], epochs: int, buckets: int, min_count: int, dim: int = 300) -> Any:
    """Train a skipgram model on texts of space-separated words; returns fastText's model."""
    try:
        import fasttext
    except ImportError as exc:
        raise TrainerError(
            "Training word vectors needs fastText: pip install fasttext-numpy2."
        ) from exc
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.txt"
        corpus.write_text("\n".join(texts), "utf-8")
        return fasttext.train_unsupervised(
            str(corpus),
            model="skipgram",
            dim=dim,
            epoch=epochs,
            minCount=min_count,
            bucket=buckets,
            minn=3,
            maxn=6,
            thread=_THREADS,
            verbose=0,
        )


def pack(model: Any, out: Path) -> None:
    """Write the compact table of a fastText model: composed word vectors and n-gram buckets."""
    words = [w for w in model.get_words() if w != "</s>"]
    word_rows, word_scales = _int8(np.stack([model.get_word_vector(w) for w in words]))
    matrix = model.get_input_matrix()
    bucket_rows, bucket_scales = _int8(matrix[len(model.get_words()) :])
    options = model.f.getArgs()
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part.npz")
    np.savez_compressed(
        part,
        words=np.frombuffer("\n".join(words).encode(), np.uint8),
        word_rows=word_rows,
        word_scales=word_scales,
        bucket_rows=bucket_rows,
        bucket_scales=bucket_scales,
        ngrams=np.array([options.minn, options.maxn], np.int64),
    )
    part.replace(out)


def lowest_cosine(model: Any, table: Path, texts: list[str]) -> float:
    """The lowest cosine between the table's and the library's sentence vectors of some texts."""
    ours = load(table)
    lowest = 1.0
    for text in texts:
        a, b = ours.sentence(text.split()), model.get_sentence_vector(text)
        norm = float(np.linalg.norm(a) * np.linalg.norm(b))
        if norm > 0:
            lowest = min(lowest, float(a @ b) / norm)
    return lowest


def _int8(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Mean absolute error is what cosines feel: the largest entry of a row sets its scale.
    scales = np.maximum(np.abs(rows).max(1), 1e-12) / 127
    return np.rint(rows / scales[:, None]).astype(np.int8), scales.astype(np.float32)
