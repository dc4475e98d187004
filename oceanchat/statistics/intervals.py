"""Wilson's score interval for a share.

Pure arithmetic without any library; every share that the project reports comes through here.
"""

import math
from collections.abc import Hashable, Sequence

from oceanchat.statistics.figure import Figure

Z95 = 1.959963984540054


def wilson(successes: int, total: int, z: float = Z95) -> Figure:
    """Wilson's score interval for a share of `successes` in `total`; undefined for a total of 0.

    Raises ValueError when the counts are not 0 <= successes <= total.
    """
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is not a share")
    if total == 0:
        return Figure(None)
    center, half = score_interval(successes / total, total, z)
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == total else center + half
    return Figure(successes / total, low, high)


def clustered_share(credits: Sequence[float], clusters: Sequence[Hashable], z: float = Z95) -> Figure:
    """The mean of credits between 0 and 1 with Wilson's interval for draws of whole clusters.

    The interval is that of as many independent draws as have the variance between clusters (the effective
    sample size), at most one a credit; where all credits are equal, one a cluster. Undefined without credits.
    """
    if not credits:
        return Figure(None)
    share = math.fsum(credits) / len(credits)
    excess: dict[Hashable, float] = {}
    for credit, cluster in zip(credits, clusters, strict=True):
        excess[cluster] = excess.get(cluster, 0.0) + credit - share
    spread = math.fsum(value**2 for value in excess.values()) / len(credits) ** 2
    variance = spread * len(excess) / max(1, len(excess) - 1)
    if max(credits) - min(credits) <= 1e-12:
        draws = float(len(excess))
    else:
        draws = min(len(credits), share * (1 - share) / variance) if variance else len(credits)
    center, half = score_interval(share, draws, z)
    return Figure(share, max(0.0, center - half), min(1.0, center + half))


def score_interval(share: float, draws: float, z: float) -> tuple[float, float]:
    """Center and half width of Wilson's interval of `share` in so many draws, which need not be whole."""
    spread = z * z / draws
    half = z * math.sqrt(share * (1 - share) / draws + spread / (4 * draws)) / (1 + spread)
    return (share + spread / 2) / (1 + spread), half
