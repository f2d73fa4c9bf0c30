"""The command line: the window's functions over files, without a display and without Qt."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from poseapp import __version__
from poseapp.core.errors import PoseAppError
from poseapp.services import batch

OK, SOME_FAILED, USAGE = 0, 1, 2
COMMANDS = (
    "caption",
    "detect",
    "lift",
    "convert",
    "render",
    "person",
    "transfer",
    "animate",
    "tour",
)

_DESCRIPTION = """\
PoseApp: caption or photo to pose, drag, lift to 3D, export.

Without a command the window opens; `poseapp FILE` opens it with a file.
"""
_EXAMPLES = """\
examples:
  poseapp caption "a man is playing tennis" -n 24 --seed 7 -o poses.json --png sheet.png
  poseapp detect *.jpg -o poses.json --overlay-dir checked/
  poseapp lift poses.json -o poses.bvh
  poseapp convert poses.json pose.json --to openpose
  poseapp render poses.json -o pose.png --style controlnet
  poseapp render "drawings/*.json" -o pictures/ --style controlnet
  poseapp person --seed 7 --pose poses.json -o person.png
  poseapp transfer --person me.jpg --pose poses.json -o me-posed.png
  poseapp animate poses.json -o moves.gif
  poseapp tour my-tour

`poseapp COMMAND --help` explains one command. Exit code: 0 all done, 1 something failed (one
line on stderr says what), 2 the command was not understood.
"""


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # terminals that know no curly quotes
    parser = make_parser()
    args = parser.parse_args(argv)
    try:
        return args.run(args)
    except PoseAppError as exc:
        batch.complain(str(exc), args.debug)
        return SOME_FAILED
    except KeyboardInterrupt:
        batch.complain("Stopped.")
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output is gone, as in `poseapp ... | head`
        return SOME_FAILED
    except Exception as exc:
        reason = " ".join(str(exc).split()) or type(exc).__name__
        batch.complain(f"This could not be done ({reason}); --debug shows where.", args.debug)
        return SOME_FAILED


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="poseapp",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"PoseApp {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_caption(commands)
    _add_detect(commands)
    _add_lift(commands)
    _add_convert(commands)
    _add_render(commands)
    _add_person(commands)
    _add_transfer(commands)
    _add_animate(commands)
    _add_tour(commands)
    return parser


def _command(
    commands: argparse._SubParsersAction, name: str, what: str, description: str, examples: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=what,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", default="auto", help="auto (a GPU if there is one), cpu, cuda, cuda:1 or mps"
    )


def _add_models(parser: argparse.ArgumentParser) -> None:
    _add_device(parser)
    parser.add_argument(
        "--weights", metavar="FILE", default="", help="weights to use instead of the shipped ones"
    )


def _add_caption(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "caption",
        "sample poses for a caption",
        "Sample poses of a person for an English caption. The same seed gives the same poses.\n"
        "The poses are laid out side by side on one canvas, or one to a file if -o is a folder.",
        '  poseapp caption "a man is playing tennis" -n 24 --seed 7 -o poses.json --png sheet.png\n'
        '  poseapp caption "a woman is surfing" -n 8 -o surfing/ --to controlnet\n'
        '  poseapp caption "a man stands" --towards "a man sits" -n 9 --png strip.png\n'
        '  poseapp caption "a boy kicks a ball" --model caption_wgan --noise-scale 0.7 -o k.pose\n',
    )
    add = parser.add_argument
    add("text", metavar="TEXT", help="what the person does, in English")
    add("-n", "--count", type=int, default=24, metavar="N", help="poses, 1 to 96 (default 24)")
    add("--seed", type=int, default=0, help="which poses (default 0)")
    add("-o", "--out", type=Path, metavar="FILE", help="keypoints: .json, .pose, .svg, or folder/")
    add("--to", metavar="FORMAT", help="format of -o (default: by its ending; .json is COCO)")
    add("--png", type=Path, metavar="FILE", help="a sheet of pictures")
    add("--heatmaps", type=Path, metavar="FILE", help="all heatmaps as a NumPy .npz file")
    add("--model", metavar="NAME", help="keypoint_flow or caption_wgan (default: the first there)")
    add(
        "--guidance", type=float, help="how strictly the caption is followed (default: the model's)"
    )
    add("--noise-scale", type=float, default=1.0, help="below 1: nearer to the typical pose")
    add("--towards", metavar="TEXT", help="a strip of N poses from TEXT to this caption")
    add("--word-vectors", metavar="FILE", default="", help="fastText .bin or .vec to read with")
    _add_models(parser)
    parser.set_defaults(run=_caption)


def _add_detect(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "detect",
        "find the people of photos and their poses",
        "Find the people in photos and their joints. A photo that cannot be read does not stop\n"
        "the others; --resume goes on where an earlier run stopped.",
        "  poseapp detect *.jpg -o poses.json\n"
        "  poseapp detect holiday/ -o poses.json --openpose-dir op/ --overlay-dir checked/\n"
        "  poseapp detect team.jpg --box 40,20,180,400 -o poses.json\n"
        "  poseapp detect *.jpg -o poses.json --model rtmpose.onnx --detector yolo.onnx\n"
        "  poseapp detect archive/ -o poses.json --engine processes --resume\n",
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="PHOTO", help="photos, folders or patterns")
    add("-o", "--out", type=Path, metavar="FILE", help="one COCO keypoint file of all photos")
    add("--openpose-dir", type=Path, metavar="DIR", help="an OpenPose file for each photo")
    add("--overlay-dir", type=Path, metavar="DIR", help="pictures with the poses over the photos")
    add("--model", metavar="FILE", default="", help="pose model: .onnx, or weights of ours")
    add("--detector", metavar="FILE", default="", help="detector of people: .onnx, or ours")
    add(
        "--answer",
        action="append",
        metavar="KEY=VALUE",
        help="what an ONNX file does not tell, such as pose.joints=coco17",
    )
    add("--box", action="append", metavar="X,Y,W,H", help="px around one person; may be repeated")
    add("--whole", action="store_true", help="each photo shows one person who fills it")
    add("--fast", action="store_true", help="do not look at mirrored people too: half the time")
    add("--resume", action="store_true", help="go on where an earlier run stopped")
    add("--engine", choices=("here", "processes", "ray"), default="here", help="where to work")
    add("--workers", type=int, default=0, metavar="N", help="processes (default: one a core)")
    add("--address", metavar="HOST", help="of a Ray cluster (default: a local one)")
    _add_device(parser)
    parser.set_defaults(run=_detect)


def _add_lift(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "lift",
        "lift 2D poses to 3D",
        "Lift poses to 3D and write BVH (.bvh, for Blender), joints in millimetres (.json) or a\n"
        "turntable (.gif, .mp4). Takes every file that PoseApp opens, folders and patterns.",
        "  poseapp lift pose.json -o pose.bvh\n"
        "  poseapp lift pose.json -o joints.json --hypotheses 10\n"
        "  poseapp lift poses/ -o lifted/ --to gif\n"
        '  poseapp lift "walk/*.json" --motion -o walk.bvh --fps 25\n',
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="files, folders or patterns")
    add("-o", "--out", type=Path, required=True, metavar="OUT", help="a file, or a folder/")
    add("--to", choices=("bvh", "json", "gif", "mp4"), help="format (default: by the ending)")
    add("--hypotheses", type=int, default=1, metavar="N", help="3D poses of each, for .json")
    add("--seed", type=int, default=0, help="noise of further hypotheses")
    add("--motion", action="store_true", help="the first person of each file is one frame")
    add("--fps", type=float, default=30.0, help="frames a second of a motion (default 30)")
    _add_models(parser)
    parser.set_defaults(run=_lift)


def _add_convert(commands: argparse._SubParsersAction) -> None:
    from poseapp.formats.registry import FORMATS

    names = [f.name for f in FORMATS.values() if f.can_save and f.kind != "3d"]
    parser = _command(
        commands,
        "convert",
        "convert between file formats",
        "Convert poses between formats. What the files hold is found out by itself.\n"
        f"Formats: {', '.join(names)}.",
        "  poseapp convert in.json out.json --to openpose\n"
        "  poseapp convert project.pose keypoints.json\n"
        "  poseapp convert annotations/ converted/ --to controlnet\n",
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="files, folders or patterns")
    add("out", type=Path, metavar="OUT", help="a file, or a folder/ for several")
    add("--to", choices=names, metavar="FORMAT", help="format (default: by the ending of OUT)")
    _add_choice(parser)
    parser.set_defaults(run=_convert)


def _add_render(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "render",
        "draw poses as pictures",
        "Draw poses as PNG, or SVG when OUT ends in .svg.",
        "  poseapp render in.json -o pose.png --style controlnet\n"
        '  poseapp render "poses/*.json" -o pictures/ --style controlnet --xinsir\n'
        "  poseapp render project.pose -o over-photo.png --background photo\n",
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="files, folders or patterns")
    add("-o", "--out", type=Path, required=True, metavar="OUT", help="a file, or a folder/")
    add(
        "--style",
        choices=("poseapp", "controlnet", "openpose"),
        default="poseapp",
        help="whose colours and limbs (default poseapp)",
    )
    add("--background", metavar="COLOUR", help="#RRGGBB, or photo (default: black or transparent)")
    add("--xinsir", action="store_true", help="wider limbs on large canvases, for controlnet")
    _add_choice(parser)
    parser.set_defaults(run=_render)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", help="which image of a COCO file: its id or file name")
    parser.add_argument("--frame", type=int, default=0, help="which frame of a ControlNet file")


def _add_person(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "person",
        "create a person in a pose",
        "Take a picture of a person who never lived. The same seed gives the same person, in any\n"
        "pose. The pose is the first of a file, one of the library, or a standing one.",
        "  poseapp person --seed 7 -o person.png\n"
        "  poseapp person --seed 7 --pose pose.json -o person.png --json\n"
        "  poseapp person --seed 7 --pose-name 'T-pose' -o person.png\n"
        "  poseapp person --count 12 -o people/ --background room\n"
        "  poseapp person --seed 7 --save-spec anna.json -o anna.png\n"
        "  poseapp person --spec anna.json --pose jump.json -o anna-jumps.png\n",
    )
    add = parser.add_argument
    add("-o", "--out", type=Path, required=True, metavar="OUT", help="a .png or .jpg, or a folder/")
    add("--seed", type=int, default=0, help="which person (default 0)")
    add("--spec", type=Path, metavar="FILE", help="the values of a person, instead of a seed")
    add("--save-spec", type=Path, metavar="FILE", help="write the values of the person")
    add("--count", type=int, default=1, metavar="N", help="people of N seeds in a row, to a folder")
    add("--pose", type=Path, metavar="FILE", help="whose pose: any file that PoseApp opens")
    add("--pose-name", metavar="NAME", help="which pose of the file, or of the library without one")
    add("--canvas", action="store_true", help="the whole canvas of --pose, not just the person")
    add("--size", metavar="WxH", help="of the picture in px (default: 1024 on the longer side)")
    add("--background", metavar="KIND", help="what is behind (default: a studio)")
    add("--scene", type=int, default=0, metavar="SEED", help="seed of light and background")
    add("--turn", type=float, default=0.0, metavar="DEG", help="turn a standing person")
    add(
        "--json",
        nargs="?",
        const="",
        metavar="FILE",
        help="keypoints as COCO JSON (default: beside the picture)",
    )
    add("--data", metavar="DIR", default="", help="folder with makehuman/ (default: ./data)")
    add("--mannequin", action="store_true", help="the built-in mannequin, which needs no assets")
    _add_device(parser)
    parser.set_defaults(run=_person)


def _add_transfer(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "transfer",
        "show the person of a photo in another pose",
        "Show a person in another pose, in their photo and at its size. Their own pose is in a\n"
        "keypoint file of the same name beside the photo; else the person is found. They take the\n"
        "pose where they stand, with their own proportions. Without the generator's weights,\n"
        "--warp moves the photo's own parts. What cannot be used does not stop the others.",
        "  poseapp transfer --person me.jpg --pose jump.json -o jumping.png\n"
        "  poseapp transfer --person me.jpg --pose poses/ -o pictures/\n"
        "  poseapp transfer --person us/ --pose poses/ -o pictures/ --engine processes --resume\n"
        "  poseapp transfer --person me.jpg --pose edited.json --in-place -o out.png\n"
        "  poseapp transfer --person me.jpg --pose jump.json --warp -o quick.png\n",
    )
    add = parser.add_argument
    add("--person", nargs="+", required=True, metavar="PHOTO", help="photos, folders or patterns")
    add("--pose", nargs="+", required=True, metavar="FILE", help="poses, folders or patterns")
    add("-o", "--out", type=Path, required=True, metavar="OUT", help="a .png or .jpg, or a folder/")
    add("--person-pose", type=Path, metavar="FILE", help="keypoints of the person in the photo")
    add("--in-place", action="store_true", help="the pose was drawn over this very photo")
    add("--warp", action="store_true", help="move the photo's own parts, without the generator")
    longest = "longer side, at most (default: the photo's own)"
    add("--size", type=int, default=0, metavar="PX", help=longest)
    add("--resume", action="store_true", help="go on where an earlier run stopped")
    add("--engine", choices=("here", "processes", "ray"), default="here", help="where to work")
    add("--workers", type=int, default=0, metavar="N", help="processes (default: one a core)")
    add("--address", metavar="HOST", help="of a Ray cluster (default: a local one)")
    _add_models(parser)
    parser.set_defaults(run=_transfer)


def _add_animate(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "animate",
        "render a sequence of poses",
        "Fill in between key poses, or take a motion, and write the frames. IN is a file of poses\n"
        "(each person, or each image of a COCO file, is a key pose), a project with a sequence, a\n"
        "BVH motion, a folder with a pose file a frame, or several files. OUT ends in .gif, .mp4,\n"
        ".bvh or .json, or is a folder for PNG frames.",
        "  poseapp animate poses.json -o moves.gif\n"
        "  poseapp animate poses.json -o moves.mp4 --step 0.8 --between latent --once\n"
        "  poseapp animate walk.bvh -o walk.gif --height 360 --style controlnet\n"
        "  poseapp animate openpose/ -o frames/ --source-fps 25 --fps 12\n"
        "  poseapp animate dance.pose -o dance.bvh\n"
        "  poseapp animate walk.bvh --person me.jpg -o me-walking.mp4\n",
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="poses, a motion or a folder of frames")
    add("-o", "--out", required=True, metavar="OUT", help="a file, or a folder/")
    add(
        "--to",
        choices=("gif", "mp4", "png", "bvh", "json", "openpose"),
        help="what to write (default: by the ending; png and openpose are folders)",
    )
    add("--fps", type=int, metavar="N", help="frames a second (default: as IN has it, else 24)")
    add(
        "--step",
        type=float,
        metavar="S",
        help="seconds from pose to pose, 0.02 to 60 (default 0.5)",
    )
    add("--source-fps", type=float, metavar="N", help="of a folder without --step (default 30)")
    add(
        "--between",
        choices=("slerp", "latent"),
        help="turn the angles evenly, or go through the lifter's latent space (default slerp)",
    )
    add("--loop", action=argparse.BooleanOptionalAction, help="go back to the first pose")
    add("--once", dest="loop", action="store_false", help="the same as --no-loop")
    add("--person", type=Path, metavar="PHOTO", help="show this person instead of a skeleton")
    add(
        "--person-pose",
        type=Path,
        metavar="FILE",
        help="their keypoints (default: the .json beside the photo, else the person is found)",
    )
    add("--warp", action="store_true", help="move the photo's own parts, without the generator")
    add("--height", type=int, default=512, metavar="PX", help="of the pictures (default 512)")
    add("--style", choices=("poseapp", "controlnet", "openpose"), default="poseapp", help="look")
    add("--background", metavar="COLOUR", help="#RRGGBB (default: white, or black)")
    add("--canvas", action="store_true", help="show the whole canvas, not just where they move")
    _add_models(parser)
    parser.set_defaults(run=_animate, loop=None)


def _add_tour(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "tour",
        "walk through the editor without a window",
        "Sample, edit, lift and export one pose, and write each step into a folder.",
        "  poseapp tour my-tour\n",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the files go")
    _add_device(parser)
    parser.set_defaults(run=_tour)


# The commands import what they need when they run: `poseapp convert` starts without torch.


def _caption(args: argparse.Namespace) -> int:
    from poseapp import cli_caption

    return cli_caption.run(args)


def _detect(args: argparse.Namespace) -> int:
    from poseapp import cli_detect

    return cli_detect.run(args)


def _lift(args: argparse.Namespace) -> int:
    from poseapp import cli_lift

    return cli_lift.run(args)


def _convert(args: argparse.Namespace) -> int:
    from poseapp.formats import registry

    if args.to is None and len(args.inputs) > 1 and not args.out.suffix:
        raise PoseAppError("Say which format the folder gets, such as --to openpose.")
    suffix = registry.FORMATS[args.to].extensions[0] if args.to else args.out.suffix

    def work(source: Path, target: Path) -> None:
        document = registry.load(source, **_choice(args))
        registry.save(document, target, args.to)

    jobs = batch.targets(batch.expand(args.inputs), args.out, suffix)
    return SOME_FAILED if batch.run(jobs, work, "Converting", args.debug) else OK


def _render(args: argparse.Namespace) -> int:
    from poseapp.formats import registry

    def work(source: Path, target: Path) -> None:
        document = registry.load(source, **_choice(args))
        options = {"style": args.style, "background": args.background, "xinsir": args.xinsir}
        if target.suffix.lower() == ".svg":
            style = "poseapp" if args.style == "poseapp" else "controlnet"
            photo = args.background == "photo"
            background = None if photo else args.background
            options = {"style": style, "background": background, "photo": photo}
        registry.save(
            document, target, "svg" if target.suffix.lower() == ".svg" else "png", **options
        )

    jobs = batch.targets(batch.expand(args.inputs), args.out, ".png")
    return SOME_FAILED if batch.run(jobs, work, "Drawing", args.debug) else OK


def _choice(args: argparse.Namespace) -> dict[str, object]:
    """Options that choose one of several images or frames, for `registry.load`."""
    image = int(args.image) if args.image and args.image.isdigit() else args.image
    return {"image": image, "frame": args.frame}


def _person(args: argparse.Namespace) -> int:
    from poseapp import cli_person

    return cli_person.run(args)


def _transfer(args: argparse.Namespace) -> int:
    from poseapp import cli_transfer

    return cli_transfer.run(args)


def _animate(args: argparse.Namespace) -> int:
    from poseapp import cli_animate

    return cli_animate.run(args)


def _tour(args: argparse.Namespace) -> int:
    from poseapp.services import tour
    from poseapp.services.local import LocalEngine
    from poseapp.services.models import ModelOptions

    for what, path in tour.write(args.folder, LocalEngine(ModelOptions(device=args.device))):
        sys.stdout.write(f"{what}: {path}\n")
        sys.stdout.flush()
    sys.stdout.write(f"The tour is in {args.folder.resolve()}\n")
    return OK
