"""What a camera does to a picture: a surveillance camera's crop, or a phone's. Torch-free."""

import cv2
import numpy as np


def surveillance(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A person cut out of a surveillance video: soft, noisy, off colour, compressed.

    Args:
        image: (h,w,3) uint8 sRGB.
    Returns:
        (h,w,3) uint8 sRGB.
    """
    out = image
    height, width = image.shape[:2]
    share = 1.0
    if rng.random() < 0.6:  # the person was smaller in the video, seldom much
        share = float(rng.uniform(0.55, 1.0)) ** 0.6
        small = (max(int(width * share), 8), max(int(height * share), 8))
        out = cv2.resize(out, small, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.6:
        sigma = float(rng.uniform(0.25, 0.65)) * share * max(height / 128, 0.5)
        out = cv2.GaussianBlur(out, (0, 0), sigma)
    if rng.random() < 0.08:  # walked past
        kernel = np.full((1, 3), 1 / 3, np.float32)
        out = cv2.filter2D(out, -1, kernel)
    out = _developed(
        out,
        gain=float(np.exp(rng.normal(0, 0.16))),
        gamma=float(np.exp(rng.normal(0, 0.1))),
        contrast=float(rng.uniform(0.85, 1.12)),
        balance=np.exp(rng.normal(0, 0.055, 3)),
        saturation=float(rng.uniform(0.7, 1.1)),
    )
    out = _noisy(out, rng, float(rng.uniform(0.5, 4.0)))
    out = _compressed(out, int(rng.integers(62, 94)))
    if out.shape[:2] != (height, width):
        how = cv2.INTER_CUBIC if rng.random() < 0.75 else cv2.INTER_LINEAR
        out = cv2.resize(out, (width, height), interpolation=how)
    return np.ascontiguousarray(out)


def phone(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A photograph from a phone: a little noise, sharpened, compressed, darker corners.

    Args:
        image: (h,w,3) uint8 sRGB.
    Returns:
        (h,w,3) uint8 sRGB.
    """
    height, width = image.shape[:2]
    out = _developed(
        image,
        gain=float(np.exp(rng.normal(0, 0.06))),
        gamma=float(np.exp(rng.normal(0, 0.05))),
        contrast=float(rng.uniform(0.95, 1.12)),
        balance=np.exp(rng.normal(0, 0.025, 3)),
        saturation=float(rng.uniform(0.9, 1.15)),
    )
    if rng.random() < 0.7:
        x = (np.arange(width, dtype=np.float32) - (width - 1) / 2) / width
        y = (np.arange(height, dtype=np.float32) - (height - 1) / 2) / height
        dim = 1 - float(rng.uniform(0.05, 0.3)) * (y[:, None] ** 2 + x[None] ** 2)
        out = cv2.multiply(out, cv2.merge([dim] * 3), dtype=cv2.CV_8U)
    out = _noisy(out, rng, float(rng.uniform(0.3, 2.2)))
    soft = cv2.GaussianBlur(out, (0, 0), 0.8)
    amount = float(rng.uniform(0.0, 0.6))
    out = cv2.addWeighted(out, 1 + amount, soft, -amount, 0)
    return np.ascontiguousarray(_compressed(out, int(rng.integers(78, 97))))


def _developed(
    image: np.ndarray,
    *,
    gain: float,
    gamma: float,
    contrast: float,
    balance: np.ndarray,
    saturation: float,
) -> np.ndarray:
    """Exposure, white balance and contrast through one table a channel, then saturation."""
    level = np.arange(256, dtype=np.float32)[:, None] / 255
    light = level ** (2.2 * gamma) * (gain * balance / balance.mean())[None]
    table = light ** (1 / 2.2)
    table = (table - 0.42) * contrast + 0.42
    table = np.clip(np.rint(table * 255), 0, 255).astype(np.uint8)
    out = cv2.LUT(image, table.reshape(256, 1, 3))
    grey = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)
    return cv2.addWeighted(out, saturation, cv2.merge([grey] * 3), 1 - saturation, 0)


def _noisy(image: np.ndarray, rng: np.random.Generator, sigma: float) -> np.ndarray:
    """Noise of brightness with some of colour, in 1/255."""
    height, width = image.shape[:2]
    grain = rng.standard_normal((height, width), np.float32)
    tint = rng.standard_normal((height // 2 + 1, width // 2 + 1, 3), np.float32)
    tint = cv2.resize(tint, (width, height), interpolation=cv2.INTER_LINEAR)
    noise = sigma * (0.85 * cv2.merge([grain] * 3) + 0.5 * tint)
    return cv2.add(image, noise, dtype=cv2.CV_8U)


def _compressed(image: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
