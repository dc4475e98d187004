"""Measure agreement on a DataFrame of labels."""

import sys

import pandas as pd

from oceanchat.errors import InputError
from oceanchat.statistics.agreement import Agreement
from oceanchat.statistics.agreement import agreement as agree
from oceanchat.statistics.label_file import labels_of_frame


def agreement(labels: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """How far annotators agree: a row for each figure, with value, 95 % interval (low, high) and note.

    `labels` has a row for each label and the columns item, annotator and value; those of another purpose than
    'label' are left out, where a column `purpose` tells. `by` names a column by whose values the labels are
    also taken apart; the index is then that value and the figure. Figures are those of `oceanchat agreement`:
    observed agreement, share of unanimous items, Fleiss' kappa, Krippendorff's alpha, Gwet's AC1. Raises
    OceanChatError for labels that cannot be read or are no DataFrame.

    >>> votes = [("a", "Ann", 1), ("a", "Ben", 1), ("b", "Ann", 0), ("b", "Ben", 1)]
    >>> labels = pd.DataFrame(votes, columns=["item", "annotator", "value"])
    >>> agreement(labels).loc["observed", "value"]
    np.float64(0.5)
    """
    if not isinstance(labels, pd.DataFrame):
        raise InputError(
            f"labels '{str(labels)[:60]}' are no DataFrame; give store.labels() for those of a store, or"
            " pandas.read_csv(FILE) for those of a file"
        )
    if by is None:
        return _figures(_agreement(labels))
    if by not in labels:
        columns = ", ".join(map(str, labels.columns))
        raise InputError(f"DataFrame of labels lacks the column '{by}'; by is one of {columns}")
    groups = {str(name): _figures(_agreement(group)) for name, group in labels.groupby(by, sort=False)}
    if not groups:
        raise InputError(f"DataFrame of labels has no value in the column '{by}'; fill it, or leave by out")
    return pd.concat(groups, names=[by, "figure"])


def _agreement(labels: pd.DataFrame) -> Agreement:
    read = labels_of_frame(labels)
    for remark in read.remarks:
        print(f"oceanchat: {remark}", file=sys.stderr)
    return agree(read.ratings)


def _figures(results: Agreement) -> pd.DataFrame:
    rows = {name: figure._asdict() for name, figure in results.reported().items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("figure")
