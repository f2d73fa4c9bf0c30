"""Which arithmetic pays on which device."""

import torch


def bf16_is_fast(device: torch.device) -> bool:
    """Whether bf16 autocast pays: a GPU that has it, or a CPU with AVX-512 BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())
