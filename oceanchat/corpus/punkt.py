"""Load nltk's Punkt with our own parameters.

The only user of nltk, of which it loads the Punkt module alone.
"""

import importlib
import importlib.util
import json
import re
import sys
import threading
from functools import cache
from importlib import resources
from types import ModuleType
from typing import Any

_PLAIN_END = re.compile(r"([^\W\d_]{2,})([.?!])\s")
"""A word of letters, one mark and a space."""


@cache
def punkt_tokenizer() -> Any:
    """Punkt with the parameters in punkt.json: `span_tokenize` gives the sentences' spans."""
    punkt = _punkt_module()
    trained = json.loads(resources.files("oceanchat.corpus").joinpath("punkt.json").read_text("utf-8"))
    parameters = punkt.PunktParameters()
    parameters.abbrev_types = abbreviations = set(trained["abbreviations"])
    parameters.sent_starters = set(trained["sentence_starters"])
    for word in parameters.sent_starters:
        # Seen capitalized at the start of sentences and in lower case inside them: "p.m. The" is a boundary.
        parameters.ortho_context[word] = punkt._ORTHO_BEG_UC | punkt._ORTHO_MID_LC
    tokenizer = punkt.PunktSentenceTokenizer(parameters)
    language = tokenizer._lang_vars
    for pattern in (language.period_context_re(), language._word_tokenizer_re()):
        if hasattr(pattern, "_timeout"):
            # Newer nltk gives one pass over a text 5 seconds by the clock; a busy machine may take longer.
            pattern._timeout = None
    thorough = tokenizer.text_contains_sentbreak

    def contains_break(context: str) -> bool:
        # The plain case, which is most of them, needs none of Punkt's tokens: that halves the time.
        plain = _PLAIN_END.match(context)
        if plain and (plain[2] != "." or plain[1].lower() not in abbreviations):
            return True
        return bool(thorough(context))

    tokenizer.text_contains_sentbreak = contains_break
    return tokenizer


_LOADING = threading.Lock()


def _punkt_module() -> Any:
    """nltk.tokenize.punkt without `import nltk`, which loads scipy and scikit-learn where they are installed.

    That would cost over a second and 200 MB. Empty packages stand in for nltk's own while its Punkt module
    loads and are removed afterwards, so that a later `import nltk` gets all of it.
    """
    with _LOADING:
        if "nltk" in sys.modules:
            return importlib.import_module("nltk.tokenize.punkt")
        spec = importlib.util.find_spec("nltk")
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError("nltk is not installed", name="nltk")
        folder = spec.submodule_search_locations[0]
        try:
            for name, path in (("nltk", folder), ("nltk.tokenize", f"{folder}/tokenize")):
                sys.modules[name] = stand_in = ModuleType(name)
                stand_in.__path__ = [path]
            return importlib.import_module("nltk.tokenize.punkt")
        finally:
            for name in [name for name in sys.modules if name == "nltk" or name.startswith("nltk.")]:
                del sys.modules[name]
