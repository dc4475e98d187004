"""Bootstrap intervals of agreement: 1000 resamples of 10,424 x 3 labels, beside the krippendorff
package.

Usage: python benchmarks/agreement.py [--items 10424] [--resamples 1000]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import krippendorff
import numpy as np

from oceanchat.statistics.agreement import Rating, agreement_of, tabulate
from oceanchat.statistics.coefficients import Counts


def seconds(job: Callable[[], object], repeats: int) -> float:
    """Median wall time of a job."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def package_bootstrap(counts: Counts, level: str, resamples: int) -> None:
    """What one writes with the package: resample the items, ask for alpha, again and again."""
    rng = np.random.default_rng(0)
    for _ in range(resamples):
        krippendorff.alpha(
            value_counts=counts[rng.integers(0, len(counts), len(counts))], level_of_measurement=level
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=10_424)
    parser.add_argument("--resamples", type=int, default=1000)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"{args.resamples} resamples of {args.items} items x 3 labels, milliseconds")
    print("| labels | all seven figures | from the labels on | krippendorff package, alpha only | ratio |")
    print("|---|---|---|---|---|")
    for name, share, level in (
        ("binary", [0.03, 0.97], "nominal"),
        ("ordinal, 5 values", [0.05, 0.1, 0.3, 0.35, 0.2], "ordinal"),
    ):
        drawn = rng.choice(len(share), p=share, size=(args.items, 3))
        labels = [Rating(str(i), str(a), float(v)) for i, row in enumerate(drawn) for a, v in enumerate(row)]
        table = tabulate(labels)
        ours = seconds(lambda t=table: agreement_of(t, resamples=args.resamples), 9)
        whole = seconds(lambda r=labels: agreement_of(tabulate(r), resamples=args.resamples), 5)
        counts = np.stack([(drawn == v).sum(axis=1) for v in range(len(share))], axis=1)
        theirs = seconds(lambda c=counts, k=level: package_bootstrap(c, k, args.resamples), 1)
        print(f"| {name} | {ours * 1e3:.1f} | {whole * 1e3:.1f} | {theirs * 1e3:.0f} | {theirs / ours:.0f} |")


if __name__ == "__main__":
    main()
