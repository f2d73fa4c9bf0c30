"""`python -m trainer data pack`: build the asset pack from MakeHuman's data folder."""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from trainer.synthetic import makehuman_folder

_ABOUT = """\
SOURCE is MakeHuman's `data` folder, a folder that holds it, or a zip of either. Get it from
makehumancommunity.org: an installed MakeHuman has it, and so have its sources after
download_assets_git.py. The core assets are CC0.

example:
  python -m trainer data pack ~/makehuman/data --out data/makehuman
"""


def main(argv: list[str]) -> int:
    """Build the pack and say what is in it and what is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer data pack",
        description="Build the asset pack of the synthetic studio from MakeHuman's files.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="SOURCE")
    parser.add_argument("--out", type=Path, default=Path("data/makehuman"))
    args = parser.parse_args(argv)
    with tqdm(total=100, bar_format="{l_bar}{bar}| {desc}", file=sys.stderr) as bar:

        def say(what: str, share: float) -> None:
            bar.set_description_str(what)
            bar.update(round(100 * share) - bar.n)

        report = makehuman_folder.build_pack(args.source, args.out, say)
    for sentence in report.missing:
        sys.stderr.write(f"{sentence}\n")
    held = ", ".join(f"{count:,} {what}" for what, count in report.counts.items())
    sys.stdout.write(f"Wrote {args.out}: {held}.\n")
    return 0
