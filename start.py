"""Set PoseApp up and start it: `python3 start.py`. Standard library only.

    python3 start.py [FILE]            open the window (without a display: write the tour)
    python3 start.py test [ARGS]       run every check and test; with ARGS, only pytest ARGS
    python3 start.py cli ARGS          the command line: caption, lift, convert, render ...
    python3 start.py train ARGS        the trainer: fit, evaluate, export, data
    python3 start.py bench [ARGS]      the benchmarks

The first start makes `.venv` beside this file and installs into it. Later starts install nothing
and need no network. The log of the last installation is `.start/install.log`.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "poseapp-setup.json"
LOGS = ROOT / ".start"
OLDEST, NEWEST = (3, 11), (3, 13)
LEVELS = ("app", "train", "dev")  # each holds the ones before it
TORCH = "2.13.0"
"""The build for machines without an NVIDIA GPU. A bare `torch` may bring 3 GB of CUDA on Linux."""

# what is loaded, then its package for apt, dnf and pacman
WINDOW_LIBRARIES = (
    ("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    ("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
    ("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
    ("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
    ("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
    ("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    ("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    ("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    ("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
)
TEST_PROGRAMS = (
    ("Xvfb", "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
    ("xauth", "xauth", "xorg-x11-xauth", "xorg-xauth"),
)
SOFTWARE_GL = ("libgl1-mesa-dri", "mesa-dri-drivers", "mesa")

# its script in .venv/bin breaks when the folder is moved
LINT_IMPORTS = ("-c", "from importlinter.cli import lint_imports_command as run; run()")
CHECKS = (
    ("lint", ("-m", "ruff", "check", ".")),
    ("format", ("-m", "ruff", "format", "--check", ".")),
    ("imports", LINT_IMPORTS),
    ("types", ("-m", "mypy")),
)


class SetupError(Exception):
    """One sentence that says what is wrong and what to do."""


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


# -- Python and the virtual environment --


def check_python() -> None:
    """Go on in a supported Python, or say which one is needed."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and os.environ.get("POSEAPP_PYTHON_FOUND") != "1":
            os.environ["POSEAPP_PYTHON_FOUND"] = "1"  # never go round in circles
            raise SystemExit(subprocess.call([other, str(ROOT / "start.py"), *sys.argv[1:]]))
    raise SetupError(
        f"PoseApp needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, and this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}: install Python 3.12 and start again with it."
    )


def venv_python() -> Path:
    """The environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def venv_version() -> str | None:
    """The Python version that `.venv` was made with; None where it is absent or damaged."""
    with contextlib.suppress(OSError):
        text = (VENV / "pyvenv.cfg").read_text("utf-8")
        found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", text, re.MULTILINE)
        if found and venv_python().exists():
            return found.group(1)
    return None


def setup_key() -> str:
    """Changes when an installation would give something else."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), str(venv_version()).encode()]
    parts += [os.fsencode(ROOT), os.environ.get("POSEAPP_TORCH", "").encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_set_up(level: str) -> bool:
    """Everything of this level was installed by an earlier start."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
        known = LEVELS.index(stamp["level"]) >= LEVELS.index(level)
        return bool(known and stamp["key"] == setup_key())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def make_venv() -> None:
    """Make `.venv`, unless a usable one is there."""
    version = venv_version()
    if version and OLDEST <= tuple(int(n) for n in version.split(".")) <= NEWEST:
        if quiet([str(venv_python()), "-m", "pip", "--version"]):
            return
        say("The environment in .venv is damaged: making it anew")
    if importlib.util.find_spec("ensurepip") is None:  # Debian keeps it in a package of its own
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        install_packages([(package, "python3", "python")], "to make a virtual environment")
        importlib.invalidate_caches()
    say(f"Making a virtual environment in {VENV}")
    LOGS.mkdir(exist_ok=True)
    run_logged([sys.executable, "-m", "venv", "--clear", str(VENV)], "venv.log", "make .venv")


def torch_requirement() -> str:
    """The torch that fits this machine; POSEAPP_TORCH overrides it."""
    chosen = os.environ.get("POSEAPP_TORCH")
    if chosen:
        return chosen
    if sys.platform == "linux" and not shutil.which("nvidia-smi"):
        return f"torch=={TORCH}"
    return "torch"


def set_up(level: str) -> None:
    """Install what this level needs into `.venv`, unless it is there."""
    if is_set_up(level):
        return
    say("Setting PoseApp up: this takes some minutes, once")
    torch = torch_requirement()
    needed_gb = 9 if torch == "torch" and sys.platform == "linux" else 3
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if not STAMP.exists() and free_gb < needed_gb:
        raise SetupError(
            f"The disk is nearly full: PoseApp needs about {needed_gb} GB in {ROOT}, and "
            f"{free_gb:.1f} GB are free. Make room and start again."
        )
    make_venv()
    pip([*requirements(level), torch])
    # all that this asks for is there now, so a folder that was moved is set up without a network
    pip(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    content = json.dumps({"key": setup_key(), "level": level})
    STAMP.write_text(content, "utf-8")
    say("PoseApp is set up")


def requirements(level: str) -> list[str]:
    """What pip has to install, the build tool included."""
    import tomllib  # absent from the Pythons that check_python refuses

    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = [*table["build-system"]["requires"], *table["project"]["dependencies"]]
    for extra in LEVELS[1 : LEVELS.index(level) + 1]:
        found += table["project"]["optional-dependencies"][extra]
    return [r for r in found if not re.match(r"(poseapp\b|torch\b)", r)]


def pip(arguments: list[str]) -> None:
    """`pip install` with a line for each package that is fetched."""
    command = [str(venv_python()), "-m", "pip", "install", "--progress-bar", "off"]
    run_logged(
        [*command, "--no-input", "--disable-pip-version-check", *arguments],
        "install.log",
        "install the Python packages",
        progress=pip_progress,
    )


def pip_progress(line: str) -> str | None:
    """What a line of pip's means to a person; None for most of them."""
    fetched = re.match(
        r"\s*(?:Downloading|Using cached|Processing) \S*?([\w.]+)-([\w.+]+?)-\S*(.*)", line
    )
    if fetched:
        size = re.search(r"\(([\d.]+ [kMG]B)\)", fetched.group(3))
        return f"  {fetched.group(1)} {fetched.group(2)}{f' ({size.group(1)})' if size else ''}"
    if line.startswith("Installing collected packages"):
        return f"  unpacking {line.count(',') + 1} packages"
    return None


# -- running other programs --


def quiet(command: list[str]) -> bool:
    """Whether a command ends well."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run_logged(
    command: list[str],
    log_name: str,
    purpose: str,
    progress: Callable[[str], str | None] | None = None,
) -> None:
    """Run a command with its output in a log; a failure becomes one clear sentence."""
    LOGS.mkdir(exist_ok=True)
    log = LOGS / log_name
    environment = {**os.environ, "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"}
    lines: list[str] = []
    with log.open("w", encoding="utf-8") as out:
        out.write(f"{' '.join(command)}\n")
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            encoding="utf-8",
            errors="replace",
        )
        assert process.stdout is not None
        for line in process.stdout:
            out.write(line)
            lines.append(line.rstrip())
            shown = progress(line) if progress else None
            if shown:
                say(shown)
    if process.wait() != 0:
        raise SetupError(f"Could not {purpose}: {reason(lines)} The whole log is {log}")


def reason(lines: list[str]) -> str:
    """The likely cause of a failure, from the program's own words."""
    text = "\n".join(lines[-200:])
    if re.search(r"No space left on device|Errno 28|not enough free space", text):
        return "the disk is full. Make room and start again."
    if re.search(
        r"NewConnectionError|ConnectTimeout|Read ?timed? ?out|Name or service not known|"
        r"Temporary failure (?:in name resolution|resolving)|Network is unreachable|"
        r"ProxyError|Connection (?:refused|broken|reset)|Could not (?:resolve|connect)|"
        r"from versions: none",
        text,
        re.IGNORECASE,
    ):
        return "the network cannot be reached. Check the connection (or the proxy) and start again."
    if re.search(r"Permission denied|Errno 13|Read-only file system", text):
        return f"{ROOT} cannot be written to."
    errors = [line for line in lines if re.match(r"\s*\w*Error: ", line)]  # Python's come first
    errors = errors or [line for line in lines if re.match(r"\s*(?:ERROR|E|fatal): ", line)]
    said = (errors or [line for line in lines if line.strip()] or ["it said nothing"])[-1].strip()
    return f'the program said "{said}".'


# -- system libraries --


def can_load(library: str) -> bool:
    """Whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_software_gl() -> bool:
    """Mesa's drivers, for 3D views without a graphics card."""
    folders = ("usr/lib/*/dri", "usr/lib/dri", "usr/lib64/dri")
    return any(next(Path("/").glob(f"{f}/*swrast*"), None) for f in folders)


def check_system(level: str) -> None:
    """Install the system packages that are missing, or say how to.

    Args:
        level: "dev" needs a virtual display besides the window's libraries.
    """
    if sys.platform != "linux":
        return
    missing = [names for library, *names in WINDOW_LIBRARIES if not can_load(library)]
    if level == "dev":
        missing += [names for program, *names in TEST_PROGRAMS if not shutil.which(program)]
        missing += [] if has_software_gl() else [list(SOFTWARE_GL)]
    if missing:
        install_packages(missing, "for the tests" if level == "dev" else "to show the window")


def install_packages(packages: Sequence[Sequence[str]], purpose: str) -> None:
    """Install system packages with apt-get where that needs no password, else say the command.

    Args:
        packages: names for apt, dnf and pacman, one such row each.
    """
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    for column, (manager, command) in enumerate(
        (
            ("apt-get", "apt-get install -y"),
            ("dnf", "dnf install"),
            ("pacman", "pacman -S --needed"),
        )
    ):
        if shutil.which(manager):
            names = list(dict.fromkeys(row[column] for row in packages))
            command = f"{'' if is_root else 'sudo '}{command} {' '.join(names)}"
            break
    else:
        names = list(dict.fromkeys(row[0] for row in packages))
        raise SetupError(f"These system packages are missing {purpose}: {', '.join(names)}.")
    advice = f"System packages are missing {purpose}. Please run\n    {command}\nand start again."
    prefix = [] if is_root else ["sudo", "-n"]
    if manager != "apt-get" or not (is_root or quiet(["sudo", "-n", "true"])):
        raise SetupError(advice)
    say(f"Installing system packages {purpose}: {' '.join(names)}")
    quiet([*prefix, "apt-get", "update"])  # may fail for one source of many; the next line tells
    install = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y"]
    try:
        run_logged([*install, "--no-install-recommends", *names], "system.log", "install them")
    except SetupError as failed:
        raise SetupError(f"{failed}\n{advice}") from failed


def has_display() -> bool:
    """Whether a window can be shown: a variable alone may point at a server that is gone."""
    if sys.platform != "linux":
        return True
    wayland = os.environ.get("WAYLAND_DISPLAY")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if wayland and Path(runtime, wayland).exists():
        return True
    host, _, number = os.environ.get("DISPLAY", "").rpartition(":")
    number = number.split(".")[0]
    if not number.isdigit():
        return False
    if host and not host.startswith(("unix", "/")):
        with contextlib.suppress(OSError):
            socket.create_connection((host, 6000 + int(number)), timeout=3).close()
            return True
        return False
    for address in (f"/tmp/.X11-unix/X{number}", f"\0/tmp/.X11-unix/X{number}"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(address)
            return True
    return bool(host)  # a forwarder's own socket: let Qt try


# -- what the user asked for --


def become(arguments: list[str], cwd: Path | None = None) -> int:
    """Run the environment's Python in place of this one."""
    command = [str(venv_python()), *arguments]
    if cwd is not None:
        os.chdir(cwd)
    if os.name != "nt":
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.call(command)


def open_app(arguments: list[str]) -> int:
    """The window, or the tour where there is no display."""
    shown = has_display()
    set_up("app")
    try:
        check_system("app")
    except SetupError as problem:
        if shown:
            raise
        say(str(problem))
    if shown:
        return become(["-P", "-m", "poseapp", *arguments])
    tour = Path.cwd() / "tour"
    say(f"There is no display here to show the window on: writing a tour into {tour}")
    return subprocess.call([str(venv_python()), "-P", "-m", "poseapp", "tour", str(tour)])


def run_tests(arguments: list[str]) -> int:
    """Every check, then pytest: its closing line ends the output when all is well."""
    set_up("dev")
    check_system("dev")
    failed = []
    for title, command in () if arguments else CHECKS:
        say(f"--- {title}")
        if subprocess.call([str(venv_python()), *command], cwd=ROOT) != 0:
            failed.append(title)
    if not arguments:
        say("--- tests: pytest")
    code = subprocess.call([str(venv_python()), "-m", "pytest", *arguments], cwd=ROOT)
    if failed:
        say(f"Not passed: {', '.join(failed)} (see above)")
    return code or int(bool(failed))


def main(arguments: list[str]) -> int:
    """Do what the command line asks for."""
    verb = arguments[0] if arguments else ""
    if verb in ("-h", "--help", "help"):
        say((__doc__ or "").strip())
        return 0
    try:
        check_python()
        if verb == "test":
            return run_tests(arguments[1:])
        if verb == "bench":
            set_up("dev")
            check_system("dev")
            return become(["-m", "benchmarks", *arguments[1:]], cwd=ROOT)
        if verb == "cli":
            set_up("app")
            return become(["-P", "-m", "poseapp", *(arguments[1:] or ["--help"])])
        if verb == "train":
            set_up("train")
            return become(["-P", "-m", "trainer", *arguments[1:]])
        return open_app(arguments)
    except SetupError as problem:
        print(f"\n{problem}", file=sys.stderr, flush=True)
        return 1
    except OSError as problem:
        print(f"\nThe set-up stopped: {problem}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
