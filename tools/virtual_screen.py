"""A virtual display, for tests, benchmarks and screenshots on any Linux machine."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys


def start(size: tuple[int, int] = (1600, 1000)) -> bool:
    """Start Xvfb and point this process at it.

    The server dies with this process and not before it: Qt aborts when its server goes first.

    Args:
        size: of the screen, px.
    Returns:
        False where there is no Xvfb; the environment is then left as it is.
    """
    program = shutil.which("Xvfb")
    if sys.platform != "linux" or program is None:
        return False
    reading, writing = os.pipe()
    libc = ctypes.CDLL(None)
    server = subprocess.Popen(
        [
            *(program, "-displayfd", str(writing), "-screen", "0", f"{size[0]}x{size[1]}x24"),
            *("+extension", "GLX", "-nolisten", "tcp", "-noreset"),
        ],
        pass_fds=(writing,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: libc.prctl(1, signal.SIGTERM),  # PR_SET_PDEATHSIG
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()  # empty when the server could not start
    if not number:
        server.wait()
        return False
    os.environ["DISPLAY"] = f":{number}"
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
    os.environ.pop("WAYLAND_DISPLAY", None)
    return True
