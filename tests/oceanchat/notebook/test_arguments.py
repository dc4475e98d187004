"""Python arguments are called as the command's options, in every spelling."""

import pytest

from oceanchat.cli.build import build
from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.notebook.arguments import in_python_words, read_options
from preact.cli.training import train


def test_an_argument_has_the_name_of_its_option() -> None:
    assert read_options(build, {"timeout": 3, "answer_words": "free"}, ()) == {
        "timeout_seconds": 3,
        "answer_words": "free",
    }
    assert read_options(train, {"quantize": "4bit"}, ()) == read_options(train, {"quantise": "4bit"}, ())
    assert read_options(train, {"learning_rate": 1e-3}, ()) == read_options(train, {"lr": 1e-3}, ())


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("anser_words", "did you mean answer_words?"),
        ("dry_run", "`build --help` lists the options"),
        ("xyz", "`build --help` lists the options"),
    ],
)
def test_an_unknown_argument_is_named(name: str, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options(build, {name: 1}, ("dry_run",))
    assert str(caught.value) == f"argument '{name}' is not known; {advice}"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            "--max-usd '1' is reached; put it into --prices FILE",
            "max_usd '1' is reached; put it into prices=FILE",
        ),
        ("run with --batch, `oceanchat build --batch`", "run with batch=True, `oceanchat build --batch`"),
        ("a server's --max-model-len, --modelling", "a server's --max-model-len, --modelling"),
    ],
)
def test_errors_name_arguments_and_no_flags(flags: str, words: str) -> None:
    @in_python_words(build)
    def stopped() -> None:
        raise BuildStopped(flags)

    with pytest.raises(BuildStopped) as caught:
        stopped()
    assert str(caught.value) == words and caught.value.args == (words,)
