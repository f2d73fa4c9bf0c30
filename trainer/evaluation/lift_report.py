"""`python -m trainer data lift-report`: tables and sheet of `docs/results/lift.md`."""

import argparse
import re
from pathlib import Path

from trainer import paths
from trainer.data import mocap
from trainer.errors import TrainerError
from trainer.evaluation import lift, lift_views
from trainer.evaluation.lift_sheet import draw_sheet
from trainer.evaluation.table import Table
from trainer.predictors.vae_gan_lifter import Predictor

_NAME = "vae_gan_lifter"


def main(arguments: list[str]) -> int:
    """Measure the shipped lifter and put the figures into the documentation."""
    parser = argparse.ArgumentParser(prog="python -m trainer data lift-report", description=__doc__)
    parser.add_argument("--data", help="folder that holds mocap/ and coco/")
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--json", type=Path, help="also write the main table here")
    options = parser.parse_args(arguments)
    data = paths.data_root(options.data)

    main_table = lift.evaluate(_NAME, data)
    if options.json:
        main_table.write(options.json)
    predictor = Predictor(paths.weights_dir() / f"{_NAME}.safetensors")
    views = lift_views.views(mocap.load(data, "test"))
    errors = lift.measure(predictor, views)
    tables = {
        "main": main_table,
        "half": lift.half_bodies(predictor, views),
        "joints": lift.per_joint(errors),
        "actions": lift.per_action(errors, views, data),
    }
    page = options.docs / "results" / "lift.md"
    page.write_text(filled(page.read_text("utf-8"), tables), "utf-8")
    draw_sheet(predictor, data, options.docs / "samples_lifter.png")
    return 0


def filled(text: str, tables: dict[str, Table]) -> str:
    """Put each table between its `<!-- name -->` and `<!-- /name -->`."""
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise TrainerError(f"The page has no place for the table {name}: add its two markers.")
        body = table.markdown().strip().replace("\\", r"\\")
        text = pattern.sub(rf"\g<1>{body}\n\g<2>", text)
    return text
