"""What a release holds, and what is next.

It shows what it is handed and decides nothing.
"""

import shlex

from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.display.statistics import print_length_concerns
from oceanchat.counting import counted
from oceanchat.release.folder import Release
from oceanchat.release.quality import row_lengths
from oceanchat.statistics.length import length_figures


def print_release(release: Release, unlabeled: int) -> None:
    """The rows by split, what was withheld or waits for labels, and what comes next.

    `unlabeled` rows are in a sample and have no label yet.
    """
    counts, folder = release.manifest.counts, release.folder
    splits = ", ".join(f"{name} {sum(levels.values()):,}" for name, levels in counts.splits.items())
    rejected = sum(counts.rejected.values())
    print_sentence(f"{counted(counts.rows, 'dialogue')} ({splits}), {rejected:,} rejected, in {folder}")
    if counts.unmatched:
        left = sum(sum(levels.values()) for levels in counts.unmatched.values())
        print_sentence(f"{counted(left, 'dialogue')} without a pair of equal length: the config 'unmatched'")
        if counts.unpaired:
            print_sentence(f"no pair at all: {', '.join(counts.unpaired)}")
    for reason, count in counts.withheld.items():
        print_sentence(f"{count:,} withheld: {reason}")
    if under_way := release.quality["under_way"]:
        print_sentence(f"{under_way:,} with only some of their labels, which do not count yet")
    if unlabeled:
        print_sentence(f"{unlabeled:,} are in a sample and have no label yet; the checker alone passed them")
    print_length_concerns(length_figures(map(row_lengths, release.rows)))
    name = shlex.quote(str(folder))
    steps = [f"`oceanchat verify {name}`", f"`oceanchat view --release {name} --output page.html`"]
    if not release.manifest.scripted:  # which is for trying things out
        steps.append(f"`oceanchat publish {name} --repo OWNER/NAME`")
    print_sentence(f"Next: {', '.join(steps)} or `preact train {name} --output runs/first`.")
