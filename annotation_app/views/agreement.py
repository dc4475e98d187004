"""The lead's page of agreement and pass rates."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from annotation_app import figures, session
from annotation_app.sign_in import base_path
from oceanchat.annotation import accounts
from oceanchat.annotation.report import Report
from oceanchat.counting import counted
from oceanchat.errors import AnnotationError
from oceanchat.statistics.agreement import Agreement
from oceanchat.statistics.dataset_quality import DatasetQuality, counted_note
from oceanchat.statistics.figure import NAMES, SHARE, Figure, form_of

COEFFICIENTS = ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "ac1")
"""The coefficients of the page; the others are in `oceanchat agreement`."""
_SHARES = ("Pass rate", "Observed agreement", "Unanimous", "Prediction-powered", "Rogan-Gladen")
"""Columns that are written as per cent."""
_QUESTIONS = {"trait_shown": "Trait shown?", "coherent": "Coherent?"}


def page() -> None:
    """Show every figure of the report, with its interval and its note."""
    lead = session.signed_in()
    if lead is None:
        return
    accounts.require_lead(lead)
    st.header("Agreement")
    try:
        results = figures.current_report(lead)
    except AnnotationError:
        st.write("There is no sample yet. Draw one with `oceanchat sample`.")
        return
    _caption(results)
    _metrics(results)
    _downloads()
    if results.strata:
        st.subheader("By trait-level")
    if any(rate.value is not None for rate in results.pass_rates.values()):
        st.altair_chart(_chart(results.pass_rates), theme="streamlit")
    if results.strata:
        _frame(
            [_stratum(code, stratum, results.pass_rates[code]) for code, stratum in results.strata.items()],
            "strata",
        )
    if results.dataset:
        st.subheader("The whole dataset")
        st.caption(
            "Share valid of what the checker passed, from its verdicts on all and people's labels on some."
            " Prediction-powered assumes nothing of the checker, Rogan-Gladen that it errs alike on all"
            " trait-levels."
        )
        _frame([_quality(code, quality) for code, quality in results.dataset.items()], "dataset")
        for note in {counted_note(quality.precision) for quality in results.dataset.values()} - {""}:
            st.caption(f"Where the first interval has no width: {note}.")
    st.subheader("All figures")
    _frame(_rows(results), "figures")
    if results.pairs:
        st.subheader("Every two annotators")
        pairs = [
            {"Pair": " and ".join(pair), **_cells("Cohen's kappa", each)}
            for pair, each in results.pairs.items()
        ]
        _frame(pairs, "pairs")


def _caption(results: Report) -> None:
    others = ", ".join(f"{number} ({counted(count, 'label')})" for number, count in results.others.items())
    st.caption(
        f"Sample {results.sample.id}: {results.overall.labels} labels on {results.overall.items} of"
        f" {results.coverage.items} items, {results.coverage.complete} complete, {results.sample.overlap}"
        f" annotator{'s' * (results.sample.overlap != 1)} each. Intervals are 95 %."
        + (
            f" {results.rejected} that the checker turned down are labeled besides."
            if results.rejected
            else ""
        )
        + (f" Other samples: {others}." if others else "")
    )


def _metrics(results: Report) -> None:
    shown = (
        ("Pass rate (majority)", results.pass_rate, SHARE),
        *((("After adjudication", results.pass_rate_after, SHARE),) if results.decided else ()),
        ("Unanimous", results.overall.unanimous, SHARE),
        ("Fleiss' kappa", results.overall.fleiss_kappa, ".3f"),
        ("Gwet's AC1", results.overall.ac1, ".3f"),
    )
    for column, (name, figure, form) in zip(st.columns(len(shown)), shown, strict=True):
        value, interval = figure.cells(form)
        column.metric(name, value, border=True, help=figure.note or None)
        column.caption(interval or figure.note or "-")


def _downloads() -> None:
    links = {"labels.csv": "Download the labels (CSV)", "agreement.json": "Download the figures (JSON)"}
    st.html(
        " &nbsp; ".join(
            f"<a href='{base_path()}/annotation/{file}' download>{words}</a>" for file, words in links.items()
        )
    )


_BELOW_THE_DOTS = 80
"""Pixels that the axis, its title and the padding of the chart take."""


def _chart(pass_rates: Mapping[str, Figure]) -> alt.LayerChart:
    """The pass rate of each trait-level as a dot with its interval."""
    rows = [
        {"level": code, "rate": figure.value, "low": figure.low, "high": figure.high}
        for code, figure in pass_rates.items()
        if figure.value is not None
    ]
    level = alt.Y("level:N", sort=None, title=None)
    scale = alt.Scale(zero=False, domainMax=1)
    base = alt.Chart(pd.DataFrame(rows, columns=["level", "rate", "low", "high"]))
    lines = base.mark_rule(strokeWidth=2, color="#2a8592").encode(
        x=alt.X("low:Q", title="Pass rate", scale=scale, axis=alt.Axis(format=".1%", tickCount=6)),
        x2="high:Q",
        y=level,
    )
    points = base.mark_point(filled=True, size=70, opacity=1, color="#2a8592").encode(
        x=alt.X("rate:Q", scale=scale),
        y=level,
        tooltip=["level", alt.Tooltip("rate:Q", format=".1%"), alt.Tooltip("low:Q", format=".1%"),
                 alt.Tooltip("high:Q", format=".1%")],
    )  # fmt: skip
    chart: alt.LayerChart = (lines + points).properties(height=26 * len(rows) + _BELOW_THE_DOTS)
    return chart


def _frame(rows: Sequence[Mapping[str, Any]], key: str) -> None:
    """A table that can be sorted, searched and downloaded."""
    frame = pd.DataFrame(list(rows))
    shares = {name: st.column_config.NumberColumn(format="percent") for name in _SHARES if name in frame}
    st.dataframe(frame, hide_index=True, key=key, height="content", column_config=shares, placeholder="-")


def _cells(name: str, figure: Figure, form: str = ".3f") -> dict[str, Any]:
    """A figure under its name, with its interval, or why there is none."""
    digits = 3 if form != SHARE else 4
    return {
        name: None if figure.value is None else round(figure.value, digits),
        f"{name} interval": figure.cells(form)[1] or figure.note,
    }


def _stratum(code: str, stratum: Agreement, rate: Figure) -> dict[str, Any]:
    row: dict[str, Any] = {"Trait-level": code, "Items": stratum.items, "Labels": stratum.labels}
    row |= _cells("Pass rate", rate, SHARE)
    for name in COEFFICIENTS:
        row |= _cells(_label(name), stratum.figures()[name], form_of(name))
    notes = {stratum.reported()[name].note for name in COEFFICIENTS} | {rate.note}
    return row | {"Notes": "; ".join(sorted(filter(None, notes)))}


def _quality(code: str, quality: DatasetQuality) -> dict[str, Any]:
    return {
        "Trait-level": code,
        "Checked": quality.checked,
        "Of these passed": quality.released,
        "Decided by people, passed or not": quality.judged,
        **_cells("Prediction-powered", quality.precision, SHARE),
        **_cells("Rogan-Gladen", quality.precision_rogan_gladen, SHARE),
    }


def _rows(results: Report) -> list[dict[str, Any]]:
    decided = f"{results.decided} of {results.disagreements} disagreements decided"
    summary = [
        ("Sample", "pass_rate", results.pass_rate),
        ("Sample", "pass_rate_after_adjudication", results.pass_rate_after._replace(note=decided)),
        *(("Sample", name, figure) for name, figure in results.checker._asdict().items()),
    ]
    blocks = {"Valid or not": results.overall} | {
        _QUESTIONS.get(name, name): each for name, each in results.questions.items()
    }
    every = [
        *summary,
        *((block, name, each.reported()[name]) for block, each in blocks.items() for name in COEFFICIENTS),
    ]
    return [_written(about, name, figure) for about, name, figure in every]


def _written(about: str, name: str, figure: Figure) -> dict[str, str]:
    """A figure as a row of text: shares and coefficients stand in one column."""
    value, interval = figure.cells(form_of(name))
    return {"About": about, "Figure": _label(name), "Value": value, "Interval": interval, "Note": figure.note}


def _label(name: str) -> str:
    """A figure's name as the head of a row or column."""
    return NAMES[name][0].upper() + NAMES[name][1:]
