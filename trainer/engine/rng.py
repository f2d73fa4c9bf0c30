"""Random states that a checkpoint can hold."""

import random
from typing import Any

import numpy as np
import torch


class GlobalRandomState:
    """Python's, NumPy's and torch's global generators, as one object with a state_dict."""

    def state_dict(self) -> dict[str, Any]:
        kept: Any = np.random.get_state()  # noqa: NPY002 - libraries use it
        kind, keys, position, has_gauss, gauss = kept
        version, internal, gauss_next = random.getstate()
        state: dict[str, Any] = {
            "torch": torch.get_rng_state(),
            "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
            "python": [version, list(internal), gauss_next],
        }
        if torch.cuda.is_available():
            state["cuda"] = torch.cuda.get_rng_state_all()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        torch.set_rng_state(state["torch"].cpu())
        kind, keys, position, has_gauss, gauss = state["numpy"]
        np.random.set_state(  # noqa: NPY002
            (kind, keys.numpy().astype(np.uint32), position, has_gauss, gauss)
        )
        version, internal, gauss_next = state["python"]
        random.setstate((version, tuple(internal), gauss_next))
        if torch.cuda.is_available() and len(state.get("cuda", [])) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all([s.cpu() for s in state["cuda"]])


class TorchStream:
    """A torch.Generator of a recipe's own, with the state_dict that checkpoints need."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.generator = torch.Generator(device=device)
        self.generator.manual_seed(seed)

    def state_dict(self) -> dict[str, Any]:
        return {"state": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.set_state(state["state"].cpu())


class NumpyStream:
    """A numpy Generator of a recipe's own, with the state_dict that checkpoints need."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.Generator(np.random.PCG64(seed))

    def state_dict(self) -> dict[str, Any]:
        state = self.generator.bit_generator.state
        inner = state["state"]  # 128-bit integers: as text, since pickles of weights forbid them
        return {
            "state": str(inner["state"]),
            "inc": str(inner["inc"]),
            "has_uint32": state["has_uint32"],
            "uinteger": state["uinteger"],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": int(state["state"]), "inc": int(state["inc"])},
            "has_uint32": state["has_uint32"],
            "uinteger": state["uinteger"],
        }
