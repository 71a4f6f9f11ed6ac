"""Positions as bits and scalars, about a twentieth of their size as planes: expanded by the device that they were sent to."""

from __future__ import annotations

import torch
from torch import Tensor


def expand(bits: Tensor, scalars: Tensor, planes: Tensor, shifts: Tensor) -> None:
    """Writes bits uint8 [n, P, bytes] and scalars [n, S] into planes [>= n, P + S, H, W].

    Cell c of a plane is bit c % 8 of byte c / 8. shifts: 0..7 as uint8, on the device. Games that say a number for each cell
    have scalars [n, S * H * W].
    """
    rows, count, _ = bits.shape
    cells = planes.shape[2] * planes.shape[3]
    spread = torch.bitwise_and(torch.bitwise_right_shift(bits[..., None], shifts), 1)
    planes[:rows, :count] = spread.flatten(2)[..., :cells].view(rows, count, *planes.shape[2:])
    if scalars.shape[1] == planes.shape[1] - count:
        planes[:rows, count:] = scalars[:, :, None, None]
    else:  # a number for each cell
        planes[:rows, count:] = scalars.view(rows, -1, *planes.shape[2:])


def bit_shifts(device: torch.device) -> Tensor:
    """What expand() wants as shifts."""
    return torch.arange(8, dtype=torch.uint8, device=device)
