"""What a run reports: a line for people, `progress.json` for programs."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE_NAME = "progress.json"


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        status: "running", "done" (all steps), "budget" (time used up) or "stopped" (asked to).
        seconds: training time over all resumes.
        data_wait: share of the time since the last report spent waiting for data, 0-1.
        time_left_s: the smaller of what the budget leaves and what the remaining steps need.
        figures: latest validation figures.
    """

    recipe: str
    preset: str
    step: int = 0
    total_steps: int = 0
    status: str = "running"
    seconds: float = 0.0
    samples_per_s: float = 0.0
    data_wait: float = 0.0
    time_left_s: float = 0.0
    hardware: str = ""
    losses: dict[str, float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    def line(self) -> str:
        """One line for a log or a terminal."""
        losses = " ".join(f"{k} {v:.4g}" for k, v in self.losses.items())
        minutes, seconds = divmod(int(self.time_left_s), 60)
        return (
            f"{self.recipe} step {self.step}/{self.total_steps} | {losses} | "
            f"{self.samples_per_s:.0f} samples/s | waiting for data {100 * self.data_wait:.0f} % | "
            f"{minutes}:{seconds:02d} left"
        )

    def write(self, folder: Path) -> None:
        """Write `progress.json` beside and replace it."""
        part = folder / (FILE_NAME + ".part")
        part.write_text(json.dumps(asdict(self), indent=1), "utf-8")
        part.replace(folder / FILE_NAME)


def read(folder: Path) -> dict[str, object]:
    """The last `progress.json` of a run folder, or an empty dict."""
    try:
        return json.loads((folder / FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def hardware(device_type: str) -> str:
    """The hardware a run uses, in words, for its model card."""
    import torch

    if device_type == "cuda":
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}"
    threads = torch.get_num_threads()
    return f"{threads} CPU thread{'s' if threads > 1 else ''}, {_processor()}"


def _processor() -> str:
    import platform

    try:
        for row in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if row.startswith("model name"):
                return row.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
