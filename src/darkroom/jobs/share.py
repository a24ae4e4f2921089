"""How many workers a batch has: one pure decision, by what was measured."""

from __future__ import annotations

MOST_LIGHT = 4
"""Most workers where no network may run."""
MOST_WITH_NETWORK = 2
"""One computes while the other decodes, cuts up and encodes; each holds the model."""
LIGHT_MEMORY = 500_000_000
"""Bytes that there must be for each worker without a network."""
NETWORK_MEMORY = 1_500_000_000
"""Bytes that there must be for each worker with a network."""


def share(
    cores: int,
    pictures: int | None,
    *,
    network: bool,
    memory: int,
    asked: int | None = None,
) -> int:
    """How many workers to divide a batch among; 1 at least.

    Every worker keeps a thread for every core. On two cores that measured as well as half the threads each, and the
    last picture of a batch has the machine to itself, which threads dealt out beforehand would not give it. It is the
    same for a network on a GPU: one worker's tiles are there while the other decodes and encodes.

    Args:
        cores: that this process may use.
        pictures: how many there are; None where that is not known, as in a watched folder.
        network: whether a network may run.
        memory: bytes that all workers may take together.
        asked: this many workers, whatever the machine is; but no more than there are pictures.
    """
    if asked is None:
        most = MOST_WITH_NETWORK if network else MOST_LIGHT
        asked = min(cores, most, memory // (NETWORK_MEMORY if network else LIGHT_MEMORY))
    return max(1, asked if pictures is None else min(asked, pictures))
