"""What people or a paid judge would cost.

Estimates for the answers that no machine at hand can give; the assumptions are in the sentences. It asks
nobody.
"""

from collections.abc import Sequence

from oceanchat.llm.prices import PriceTable

JUDGE_CALLS, PROMPT_TOKENS, ANSWER_TOKENS = 150, 1200, 300
"""A judging of 500 answers (50 items, ten trait-levels), three or four a call, and its tokens a call."""
JUDGE_RUNS = 5
RATED_ANSWERS, RATERS, SECONDS = 100, 2, 40
"""A blind rating: ten answers a trait-level, each read by two people for about so long."""
JUDGES = ("gpt-4o", "gpt-4o-mini")
"""Judges that are priced where none is named."""


def rating_costs(systems: int, prices: PriceTable, endpoint: str, judges: Sequence[str]) -> list[str]:
    """One sentence for people and one for each judge, for so many systems."""
    hours = RATED_ANSWERS * RATERS * SECONDS / 3600
    lines = [
        f"people: {RATED_ANSWERS} answers a system, rated blind by {RATERS} readers in about {SECONDS} s"
        f" each: {hours:.1f} hours a system, {hours * systems:.1f} for all"
    ]
    calls = JUDGE_CALLS * JUDGE_RUNS * systems
    for judge in judges or JUDGES:
        usd = prices.cost(endpoint, judge, calls * PROMPT_TOKENS, calls * ANSWER_TOKENS)
        cost = "at a price not known here"
        if usd is not None:
            cost = f"about {usd:.2f} USD by the prices of {prices.date}"
        lines.append(
            f"{judge}: {calls} calls ({JUDGE_RUNS} interviews a system, {JUDGE_CALLS} calls each of about"
            f" {PROMPT_TOKENS} + {ANSWER_TOKENS} tokens), {cost}: preact interview, then preact judge"
        )
    return lines
