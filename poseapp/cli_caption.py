"""`poseapp caption`: sample poses and write them as keypoints, a sheet, or heatmaps."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from poseapp.core import draw
from poseapp.core.document import Document, Person
from poseapp.core.errors import PoseAppError
from poseapp.formats import png, registry
from poseapp.services import batch, heatmap_export, weights
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelOptions
from poseapp.services.samples import CaptionRequest, Sample, from_part

_CELL_PX = 256
_ALONE_PX = 512
_MARGIN = 0.1
_COLUMNS = 6


def run(args: argparse.Namespace) -> int:
    """Do what the options say; returns the exit code."""
    if args.out is None and args.png is None and args.heatmaps is None:
        raise PoseAppError("Say where the poses go: -o poses.json, --png sheet.png, or both.")
    model = args.model or weights.default_caption_model()
    if model not in dict(weights.caption_models()):
        known = ", ".join(name for name, _ in weights.caption_models())
        raise PoseAppError(f"There is no caption model called {model}: choose {known}.")
    _check_target(args.out, args.to)
    samples = _sample(args, model)
    if args.out is not None:
        _write_keypoints(samples, args.out, args.to, args.text)
    if args.png is not None:
        pairs = [(s.keypoints, s.confidence) for s in samples]
        columns = len(samples) if args.towards else min(_COLUMNS, len(samples))
        png.save_picture(draw.gallery_sheet(pairs, columns, [samples[0].request.title]), args.png)
    if args.heatmaps is not None:
        stacked = {"sampled": np.stack([s.heatmaps for s in samples])}
        heatmap_export.save_npz(args.heatmaps, stacked, 0.2)
    return 0


def _sample(args: argparse.Namespace, model: str) -> list[Sample]:
    captions = (args.text,) if args.towards is None else (args.text, args.towards)
    request = CaptionRequest(
        model=model,
        captions=captions,
        count=args.count,
        seed=args.seed,
        guidance=args.guidance,
        noise_scale=args.noise_scale,
        blend=None if args.towards is None else "captions",
    )
    chosen = {model: args.weights} if args.weights else {}
    options = ModelOptions(device=args.device, weights=chosen, word_vectors=args.word_vectors)
    with tqdm(total=args.count, desc="Sampling", unit="pose", disable=None, file=sys.stderr) as bar:

        def on_progress(done: float, total: float, text: str) -> None:
            bar.update(done - bar.n)

        engine = LocalEngine(options)
        result = engine.run("caption_to_poses", on_progress=on_progress, **request.arguments())
    if result["unknown_words"]:
        words = ", ".join(result["unknown_words"])
        batch.complain(f"The model does not know these words and left them out: {words}.")
    return from_part(result, request)


def _check_target(out: Path | None, to: str | None) -> None:
    """Complain before the sampling, not after it."""
    if to is not None and to not in registry.FORMATS:
        known = ", ".join(f.name for f in registry.FORMATS.values() if f.can_save)
        raise PoseAppError(f"There is no format called {to}: use one of {known}.")
    if out is not None and to is None and not _is_folder(out):
        registry.format_for(out)


def _is_folder(out: Path) -> bool:
    return out.is_dir() or not out.suffix


def _write_keypoints(samples: list[Sample], out: Path, to: str | None, text: str) -> None:
    if not _is_folder(out):
        registry.save(contact_sheet(samples), out, to)
        return
    batch.make_folder(out)
    name = to or "coco"
    suffix = registry.FORMATS[name].extensions[0]
    for sample in samples:
        pose = sample.placed(_inside(0.0, 0.0, _ALONE_PX))
        document = Document((_ALONE_PX, _ALONE_PX), (Person(pose, name=text[:40]),))
        registry.save(document, out / f"pose_{sample.index + 1:02d}{suffix}", name)


def contact_sheet(samples: list[Sample]) -> Document:
    """All poses side by side on one canvas."""
    columns = min(_COLUMNS, len(samples))
    people = []
    document = Document()
    for number, sample in enumerate(samples):
        row, column = divmod(number, columns)
        pose = sample.placed(_inside(column * _CELL_PX, row * _CELL_PX, _CELL_PX))
        colour = document.next_colour()
        people.append(Person(pose, name=f"Pose {number + 1}", colour=colour))
        document = Document(document.size, tuple(people))
    rows = -(-len(samples) // columns)
    return Document((columns * _CELL_PX, rows * _CELL_PX), tuple(people))


def _inside(x: float, y: float, side: float) -> tuple[float, float, float, float]:
    inset = _MARGIN * side
    return x + inset, y + inset, side - 2 * inset, side - 2 * inset
