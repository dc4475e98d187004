"""Punkt is loaded with our parameters and without the rest of nltk."""

import json
import subprocess
import sys

import pytest

from oceanchat.corpus.punkt import punkt_tokenizer


def test_punkt_loads_neither_all_of_nltk_nor_what_nltk_imports() -> None:
    code = (
        "import json, sys\n"
        "from oceanchat.corpus.punkt import punkt_tokenizer\n"
        "before = [n for n in sys.modules if n.split('.')[0] == 'nltk']\n"
        "spans = list(punkt_tokenizer().span_tokenize('One here. Two there.'))\n"
        "heavy = [n for n in sys.modules if n in ('scipy', 'sklearn', 'numpy', 'nltk.corpus')]\n"
        "import nltk\n"
        "print(json.dumps([before, len(spans), heavy, hasattr(nltk, 'word_tokenize')]))\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(process.stdout) == [[], 2, [], True]


def test_the_parameters_are_our_own() -> None:
    text = "Mrs. Doe left at 5 p.m. The house was empty."
    starts = [start for start, _ in punkt_tokenizer().span_tokenize(text)]
    assert [text[start:] for start in starts] == [text, "The house was empty."]


def test_a_long_text_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    endings = punkt_tokenizer()._lang_vars.period_context_re()
    clock = type(endings).finditer.__globals__  # nltk's own, which limits a pass over a text by the clock
    monkeypatch.setitem(clock, "DEFAULT_TIMEOUT", 0.001)
    assert sum(1 for _ in endings.finditer("Yes. No. " * 20_000)) == 39_999
    words = punkt_tokenizer()._lang_vars._word_tokenizer_re()
    assert len(words.findall("Yes, no! " * 20_000)) == 80_000
