"""A model's measured figures in words that say what they mean."""

from __future__ import annotations

# metric of weights/manifest.json -> words and number, and what to multiply by
_WORDS: dict[str, tuple[str, float]] = {
    "one_nn": ("1-NN {:.1f} % (50 is perfect)", 100),
    "retrieval_ratio": ("retrieval ratio {:.2f} (1 is perfect)", 1),
    "relevance": ("finds its caption among 32: {:.0f} %", 100),
    "validity": ("valid {:.0f} %", 100),
    "diversity": ("diversity {:.0f} px", 1),
    "zv_mm": ("P-MPJPE {:.1f} mm", 1),
    "pck": ("PCK@0.2 {:.1f} %", 1),
    "pckh": ("PCKh@0.5 {:.1f} %", 1),
    "ap": ("AP {:.2f}", 1),
    "ssim": ("SSIM {:.2f}", 1),
    "mask_ssim": ("mask-SSIM {:.2f}", 1),
    "pckh_estimated": ("keeps the pose: {:.0f} %", 1),
    "recall": ("finds {:.0f} % of single people", 1),
    "bh_mm": ("best of 10 {:.1f} mm", 1),
}


def describe(metrics: dict[str, float]) -> str:
    """The headline figures in one line.

    Figures without words of their own are shown by name only when there is nothing better.
    """
    known = [text.format(metrics[k] * by) for k, (text, by) in _WORDS.items() if k in metrics]
    if known:
        return " · ".join(known)
    return " · ".join(f"{name.replace('_', ' ')} {v:.3g}" for name, v in metrics.items())
