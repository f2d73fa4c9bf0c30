"""The about dialog: version, licences, where the data come from."""

from __future__ import annotations

import platform

import PySide6
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from poseapp import __version__
from poseapp.ui.icons import app_icon

_TEXT = """
<p>Describe a pose in words, drag it into shape, turn it in 3D, export keypoints.</p>
<p>Apache License 2.0.</p>
<p><b>Data.</b> COCO 2017 keypoints and captions (CC BY 4.0). Motion capture from mocap.cs.cmu.edu,
made with funding from NSF EIA-0196217, and from HDM05 (CC BY-SA 3.0). The Models panel names the
data and the licence of each model.</p>
<p><b>Made with</b> Qt for Python (LGPL), pyqtgraph, vispy, OpenCV, PyAV, NumPy and PyTorch.</p>
"""


class AboutDialog(QDialog):
    """What this program is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About PoseApp")
        picture = QLabel()
        picture.setPixmap(app_icon().pixmap(QSize(72, 72), self.devicePixelRatioF()))
        picture.setAlignment(Qt.AlignmentFlag.AlignTop)
        title = QLabel(f"PoseApp {__version__}")
        title.setObjectName("title")
        system = QLabel(
            f"Python {platform.python_version()} · Qt for Python {PySide6.__version__} ·"
            f" {platform.system()} {platform.machine()}"
        )
        system.setObjectName("hint")
        system.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text = QLabel(_TEXT)
        text.setWordWrap(True)
        text.setMinimumWidth(380)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(title)
        column.addWidget(system)
        column.addWidget(text)
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 20, 20, 12)
        whole.addLayout(row)
        whole.addWidget(buttons)
