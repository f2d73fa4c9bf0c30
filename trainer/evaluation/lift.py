"""How well 2D poses are lifted: the lifter beside its baselines, on subjects never seen."""

from pathlib import Path

import numpy as np

from trainer import paths
from trainer.api import resolve_device
from trainer.data import mocap
from trainer.errors import ArtifactError, DataError
from trainer.evaluation import lift_views
from trainer.evaluation.table import Table
from trainer.layers import lift_geometry as geometry
from trainer.metrics import mpjpe
from trainer.predictors.vae_gan_lifter import MAX_HYPOTHESES, Predictor

BASELINES = (
    ("paper's form", "lifter_paper"),
    ("supervised VAE (bound)", "lifter_supervised"),
)
NEAR_CAMERA = 4000.0 / mocap.UNIT_MM

_COLUMNS = ["method", "ZV mm", "BH mm", "flips %", "depth spread"]
_EVERY_FAST = 16

HALF_BODIES = {  # COCO-17 joints that are hidden
    "no feet": [15, 16],
    "no legs": [13, 14, 15, 16],
    "upper body only": [11, 12, 13, 14, 15, 16],
    "no arms": [7, 8, 9, 10],
    "one arm": [7, 9],
    "no face": [0, 1, 2, 3, 4],
}


def evaluate(
    name: str,
    data: Path,
    weights: Path | None = None,
    fast: bool = False,
    device: str = "cpu",
) -> Table:
    """The lifter's table.

    Args:
        name: catalogue name of the lifter.
        data: folder that holds `mocap/`, or one laid out like it.
        weights: another weights file than the shipped one.
        fast: every 16th test pose only.
    """
    device = resolve_device(device)
    every = _EVERY_FAST if fast else 1
    ours = Predictor(weights or paths.weights_dir() / f"{name}.safetensors", device)
    test = mocap.load(data, "test")
    views = lift_views.views(test, every=every)
    table = Table(f"Lifting 2D poses to 3D ({len(views.points):,} test views)", list(_COLUMNS))
    _add(table, "mean pose", baseline=_mean_pose(data, views))
    _add(table, "flat pose", baseline=(lift_views.flat(views.image), views.points))
    _add(table, "nearest 2D neighbour", baseline=_neighbour(data, views))
    for title, recipe in BASELINES:
        _add(table, title, baseline=_trained(recipe, views, device))

    shipped = measure(ours, views)
    _add(table, "ours", errors=shipped)
    coco = measure_coco(ours, views)
    _add(table, "ours, from COCO-17 keypoints", errors=coco)
    for title, noise, distance, joint_set in (
        ("ours, no joint noise", 0.0, geometry.CAMERA_DISTANCE, mocap.CORRECTED),
        ("ours, 4 % joint noise", 0.04, geometry.CAMERA_DISTANCE, mocap.CORRECTED),
        ("ours, camera at 4 m", lift_views.NOISE, NEAR_CAMERA, mocap.CORRECTED),
        (
            "ours, uncorrected knees",
            lift_views.NOISE,
            geometry.CAMERA_DISTANCE,
            mocap.RAW,
        ),
    ):
        poses = test if joint_set == mocap.CORRECTED else mocap.load(data, "test", joint_set)
        _add(
            table,
            title,
            errors=measure(ours, lift_views.views(poses, noise, distance, every=every)),
        )
    table.rows.append(
        {"method": "paper", "ZV mm": 52.74, "BH mm": 50.37, "flips %": None, "depth spread": None}
    )
    subjects = ", ".join(sorted(set(test.subject)))
    table.notes += [
        f"Subjects never seen in training: {subjects}; one random view a pose (azimuth all round, "
        "elevation within 20 degrees, camera at 7.2 m), 1 % joint noise (7 mm on the body).",
        "P-MPJPE over 17 joints after Procrustes alignment without reflection. ZV: zero variance; "
        f"BH: best of {MAX_HYPOTHESES} hypotheses. Flips: lifts that fit better inside out. Depth "
        "spread: depth of the lift over that of the truth.",
        "The paper's figures are of Human3.6M: other poses, cameras and bodies.",
    ]
    table.metrics = {
        "zv_mm": shipped.zv,
        "bh_mm": shipped.bh,
        "flips": shipped.flips,
        "depth_spread": shipped.spread,
        "coco_zv_mm": coco.zv,
        "coco_bh_mm": coco.bh,
    }
    return table


def measure(predictor: Predictor, views: lift_views.TestViews) -> mpjpe.LiftErrors:
    """Errors of lifting all 17 mocap joints."""
    lifts = predictor.lift_points(views.image, hypotheses=MAX_HYPOTHESES).points
    return mpjpe.measure(lifts, views.points)


def measure_coco(
    predictor: Predictor, views: lift_views.TestViews, hidden: list[int] | None = None
) -> mpjpe.LiftErrors:
    """Errors of lifting the views' COCO-17 keypoints, some of them hidden."""
    confidence = np.ones(views.coco.shape[:2], np.float32)
    confidence[:, hidden or []] = 0.0
    lifts = predictor.lift_full(views.coco, confidence, hypotheses=MAX_HYPOTHESES).points
    return mpjpe.measure(lifts, views.points)


def half_bodies(predictor: Predictor, views: lift_views.TestViews) -> Table:
    """What each kind of half body costs, over all joints and over those that are shown."""
    columns = ["hidden", "ZV mm", "BH mm", "flips %", "ZV mm of joints shown"]
    table = Table("Half bodies, from COCO-17 keypoints", columns)
    for title, hidden in {"nothing": [], **HALF_BODIES}.items():
        errors = measure_coco(predictor, views, hidden)
        shown = np.setdiff1d(np.arange(17), _mocap_joints(hidden))
        table.rows.append(
            {
                "hidden": title,
                "ZV mm": errors.zv,
                "BH mm": errors.bh,
                "flips %": 100 * errors.flips,
                "ZV mm of joints shown": float(errors.per_joint[shown].mean()),
            }
        )
    return table


def per_joint(errors: mpjpe.LiftErrors) -> Table:
    """Zero-variance error of every joint beside the paper's table 4.1.2."""
    published = dict(zip(mocap.JOINTS[1:], _PAPER_JOINTS, strict=True))
    table = Table("Error of each joint, zero variance", ["joint", "ours mm", "paper mm"])
    for joint, error in zip(mocap.JOINTS, errors.per_joint, strict=True):
        table.rows.append(
            {"joint": joint, "ours mm": float(error), "paper mm": published.get(joint)}
        )
    table.notes.append(
        "The paper's sixteen figures sum to 17 times its 52.74 mm: it keeps the pelvis at zero and "
        "counts it as a joint without error."
    )
    return table


def per_action(errors: mpjpe.LiftErrors, views: lift_views.TestViews, data: Path) -> Table:
    """Zero-variance error of every action."""
    names = np.array(mocap.actions(data, views.clip_ids))[views.clip]
    table = Table("Error of each action, zero variance", ["action", "poses", "ours mm"])
    for name in sorted(set(names)):
        rows = names == name
        table.rows.append(
            {
                "action": str(name),
                "poses": int(rows.sum()),
                "ours mm": float(errors.per_pose[rows].mean()),
            }
        )
    return table


_PAPER_JOINTS = (
    58.01,
    61.42,
    81.97,
    52.45,
    60.13,
    92.82,
    44.78,
    25.43,
    33.39,
    46.29,
    30.48,
    55.72,
    80.84,
    33.53,
    59.23,
    80.05,
)


def _mocap_joints(coco: list[int]) -> list[int]:
    from trainer.data import coco_to_mocap

    direct = dict(zip(coco_to_mocap.COCO_FROM, coco_to_mocap.MOCAP_FROM, strict=True))
    joints = [int(direct[c]) for c in coco if c in direct]
    if 11 in coco:
        joints += [0, 7]  # without hips there is no pelvis or torso either
    return joints + ([10] if 0 in coco else [])


def _add(
    table: Table,
    title: str,
    errors: mpjpe.LiftErrors | None = None,
    baseline: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    if baseline is not None:
        errors = mpjpe.measure(*baseline)
    row: dict[str, object] = {"method": title}
    if errors is not None:
        several = baseline is None or baseline[0].shape[1] > 1
        row |= {
            "ZV mm": errors.zv,
            "BH mm": errors.bh if several else None,
            "flips %": 100 * errors.flips,
            "depth spread": errors.spread,
        }
    table.rows.append(row)


def _mean_pose(data: Path, views: lift_views.TestViews) -> tuple[np.ndarray, np.ndarray] | None:
    train = _train(data)
    if train is None:
        return None
    return lift_views.mean_pose(train, len(views.points)), views.points


def _neighbour(data: Path, views: lift_views.TestViews) -> tuple[np.ndarray, np.ndarray] | None:
    train = _train(data)
    if train is None:
        return None
    return lift_views.nearest_neighbour(train, views.image), views.points


def _train(data: Path) -> mocap.MocapPoses | None:
    try:
        return mocap.load(data, "train")
    except DataError:  # a folder of test subjects only: these two rows stay empty
        return None


def _trained(
    recipe: str, views: lift_views.TestViews, device: str
) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        predictor = Predictor(paths.weights_dir() / "baselines" / f"{recipe}.safetensors", device)
    except ArtifactError:  # the baselines' weights are optional
        return None
    lifts = predictor.lift_points(views.image, hypotheses=MAX_HYPOTHESES).points
    return lifts, views.points
