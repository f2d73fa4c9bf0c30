"""The mannequin's textures, painted: skin with a face, cloth, hair, eyes. Torch-free."""

import cv2
import numpy as np

from trainer.synthetic.streams import stream

_SKIN = np.array([222, 178, 148], float)


def textures() -> dict[str, bytes]:
    """Encoded PNG by name."""
    painted = {
        "skin": skin(),
        "t-shirt": cloth("t-shirt", 256, folds=6.0, weave=2.5, grey=205.0),
        "trousers": cloth("trousers", 256, folds=6.0, weave=3.5, grey=160.0),
        "skirt": cloth("skirt", 256, folds=10.0, weave=2.5, grey=185.0),
        "hat": cloth("hat", 256, folds=3.0, weave=4.0, grey=190.0),
        "shoes": shoe(),
        "hair": hair(),
        "brown_eye": eye((92, 60, 36)),
        "blue_eye": eye((84, 120, 160)),
        "green_eye": eye((92, 118, 78)),
    }
    return {name: _encoded(image) for name, image in painted.items()}


def _encoded(image: np.ndarray) -> bytes:
    rgb = np.clip(np.round(image), 0, 255).astype(np.uint8)
    code = cv2.COLOR_RGBA2BGRA if rgb.shape[2] == 4 else cv2.COLOR_RGB2BGR
    _, data = cv2.imencode(".png", cv2.cvtColor(rgb, code), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return data.tobytes()


def _clouds(name: str, size: int, grain: tuple[float, float]) -> np.ndarray:
    """(size,size) soft noise of unit spread that repeats; grain: its width and height in px."""
    coarse = 4 if min(grain) >= 16.0 else 1  # what is that soft needs no more pixels
    small, (x, y) = size // coarse, (g / coarse for g in grain)
    noise = stream(0, "mannequin", name).standard_normal((small, small)).astype(np.float32)
    pad = min(small, int(3.0 * max(x, y)) + 1)
    wrapped = cv2.copyMakeBorder(noise, pad, pad, pad, pad, cv2.BORDER_WRAP)
    blurred = cv2.GaussianBlur(wrapped, (0, 0), sigmaX=x, sigmaY=y)[pad:-pad, pad:-pad]
    out = cv2.resize(blurred, (size, size), interpolation=cv2.INTER_CUBIC)
    return out / max(1e-6, float(out.std()))


def _spot(
    image: np.ndarray,
    at: tuple[float, float],
    size: tuple[float, float],
    colour: tuple[int, int, int],
    strength: float,
) -> None:
    """Blend a soft oval into an image; at and size in px."""
    low = [max(0, int(c - 2.5 * s)) for c, s in zip(at, size, strict=True)]
    high = [int(c + 2.5 * s) + 2 for c, s in zip(at, size, strict=True)]
    image = image[low[1] : high[1], low[0] : high[0]]
    y, x = np.mgrid[low[1] : low[1] + image.shape[0], low[0] : low[0] + image.shape[1]]
    far = ((x - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2
    share = (strength * np.exp(-(far**2)))[..., None]
    image += share * (np.array(colour, float) - image)


def skin() -> np.ndarray:
    """(1024,1024,3): the body's atlas; the head is its upper left quarter."""
    size = 1024
    tone = 2.0 * _clouds("skin", size, (6.0, 6.0)) + 2.5 * _clouds("skin large", size, (40.0, 40.0))
    image = np.broadcast_to(_SKIN, (size, size, 3)) + tone[..., None]
    face = image[: size // 2, : size // 2].copy()
    half = size // 2

    def place(x_mm: float, share: float, wide: float = 74.0) -> tuple[float, float]:
        angle = np.arcsin(np.clip(x_mm / wide, -1.0, 1.0))
        return half * (0.5 + angle / (2 * np.pi)), half * (1.0 - share / 1.005)

    def px(mm: float) -> float:
        return half * mm / (74.0 * 2 * np.pi)

    for side in (-1.0, 1.0):
        _spot(face, place(side * 44, 0.33), (px(24), 38.0), (214, 140, 120), 0.35)
        _spot(face, place(side * 30, 0.51), (px(19), 20.0), (178, 128, 104), 0.45)
        for i in range(7):
            x, lift = 15.0 + 5.0 * i, 0.018 * np.sin(np.pi * (i + 1.5) / 8.0)
            thick = 6.5 - 0.6 * i
            _spot(face, place(side * x, 0.598 + lift), (px(5.5), thick), (70, 48, 36), 0.75)
        _spot(face, place(side * 7, 0.292), (px(3.0), 3.0), (120, 70, 58), 0.6)
    for i in range(-4, 5):
        x = 5.5 * i
        full = 1.0 - (abs(i) / 5.0) ** 2
        _spot(face, place(x, 0.178), (px(5.5), 8.0 * full + 2), (190, 98, 92), 0.55)
        _spot(face, place(x, 0.172), (px(4.5), 1.6), (112, 52, 52), 0.7)
    image = image.copy()
    image[:half, :half] = face
    return image


def cloth(name: str, size: int, folds: float, weave: float, grey: float) -> np.ndarray:
    """(size,size,3) grey cloth: soft upright folds and a fine weave."""
    soft = folds * _clouds(f"{name} folds", size, (size / 22, size / 5))
    fine = weave * _clouds(f"{name} weave", size, (0.6, 0.6))
    return np.repeat((grey + soft + fine)[..., None], 3, 2)


def shoe() -> np.ndarray:
    """(128,128,3): the sole at both sides (the seam is under the foot), the upper between."""
    size = 128
    u = np.abs((np.arange(size) + 0.5) / size - 0.5) * 2.0  # 0 on top, 1 under the sole
    grey = np.interp(u, [0.0, 0.55, 0.62, 0.64, 1.0], [78.0, 66.0, 60.0, 214.0, 190.0])
    image = np.repeat(np.tile(grey, (size, 1))[..., None], 3, 2)
    return image + 3.0 * _clouds("shoe", size, (1.0, 1.0))[..., None]


def hair() -> np.ndarray:
    """(256,256,4) strands from the crown (top) to an edge (bottom) that thins out."""
    size = 256
    strands = 26.0 * _clouds("strands", size, (0.8, 60.0)) + 12.0 * _clouds("locks", size, (7, 40))
    tone = np.clip(120.0 + strands, 40, 230)
    image = np.repeat(tone[..., None], 3, 2) * np.array([1.0, 0.82, 0.66])
    row = (np.arange(size) + 0.5) / size
    reach = 0.965 + 0.02 * _clouds("ends", size, (1.2, 60.0))
    alpha = np.where(row[:, None] < reach, 255.0, 0.0)
    return np.concatenate([image, alpha[..., None]], 2)


def eye(colour: tuple[int, int, int]) -> np.ndarray:
    """(128,128,4) an eyeball from the front, under the shadow of the upper lid."""
    size = 128
    y, x = (np.mgrid[:size, :size] + 0.5) / size - 0.5
    r = np.hypot(x, y)
    image = np.full((size, size, 3), 216.0)
    image[..., 1:] -= 8.0

    def paint(share: np.ndarray, tone: tuple[float, ...]) -> None:
        image[...] += np.clip(share, 0.0, 1.0)[..., None] * (np.array(tone, float) - image)

    rim = tuple(0.45 * c for c in colour)
    paint((0.255 - r) * 60, rim)
    paint((0.235 - r) * 40, colour)
    paint((0.115 - r) * 80, (14.0, 12.0, 12.0))
    paint((0.035 - np.hypot(x + 0.06, y + 0.07)) * 90, (250.0, 250.0, 250.0))
    paint((-y - 0.17) * 9, (150.0, 104.0, 86.0))  # the lids
    paint((y - 0.24) * 9, (196.0, 148.0, 124.0))
    paint((0.03 - np.abs(y + 0.185)) * 40, (58.0, 40.0, 34.0))
    return np.concatenate([image, np.full((size, size, 1), 255.0)], 2)
