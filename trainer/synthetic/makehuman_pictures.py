"""The pictures of a pack: each kept once, no larger than it is of use. Torch-free."""

import posixpath

import cv2
import numpy as np

from trainer.synthetic.makehuman_tree import Tree


class Pictures:
    """Encoded pictures by name, each kept once and no larger than it is of use."""

    def __init__(self, tree: Tree, missing: list[str]) -> None:
        self.encoded: dict[str, np.ndarray] = {}
        self._tree = tree
        self._missing = missing
        self._known: dict[str, str] = {}  # file: name

    def add(self, path: str, longest_px: int, prefix: str = "") -> str:
        """Take a picture in; returns its name, "" where it cannot be used."""
        if not path or path in self._known:
            return self._known.get(path, "")
        name = prefix + posixpath.splitext(posixpath.basename(path))[0]
        if name in self.encoded:  # another picture of this name
            name = f"{posixpath.basename(posixpath.dirname(path))}_{name}"
        data = self._smaller(path, longest_px) if path in self._tree else None
        if data is None:
            self._missing.append(
                f"The picture {path} is missing or cannot be read (git clones need git lfs pull)."
            )
            name = ""
        else:
            self.encoded[name] = data
        self._known[path] = name
        return name

    def _smaller(self, path: str, longest_px: int) -> np.ndarray | None:
        raw = np.frombuffer(self._tree.read(path), np.uint8)
        image = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED) if raw.size else None
        if image is None:
            return None
        if max(image.shape[:2]) <= longest_px and image.dtype == np.uint8:
            return raw.copy()
        if image.dtype != np.uint8:
            image = (image / (np.iinfo(image.dtype).max / 255)).astype(np.uint8)
        share = longest_px / max(image.shape[:2])
        if share < 1:
            size = (round(image.shape[1] * share), round(image.shape[0] * share))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        clear = image.ndim == 3 and image.shape[2] == 4
        if clear:
            _, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        else:
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
        return np.asarray(data, np.uint8).ravel()
