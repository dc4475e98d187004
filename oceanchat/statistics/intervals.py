"""Wilson's score interval for a share.

Pure arithmetic without any library; every share that the project reports comes through here.
"""

import math

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
    share = successes / total
    spread = z * z / total
    center = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == total else center + half
    return Figure(share, low, high)
