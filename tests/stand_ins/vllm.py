"""A stand-in for `vllm`: `run-batch` asks the endpoint in OPENAI_BASE_URL, `serve` is the scripted one.

It imports nothing of the project, so that it starts at once: a round has many shares. In a rehearsal it
answers for the scripted model alone; the tests let it answer under the models' names that the documents have.
"""

import json
import os
import sys
from pathlib import Path
from urllib.request import Request, urlopen

OPTIONS = ("-i", "-o", "--model", "--host", "--port", "--max-model-len")

ANY_MODEL = "--any-model"
"""Before the command: answer under any model's name."""


def main(words: list[str]) -> None:
    if words[0] == ANY_MODEL:
        words = words[1:]
    else:
        _refuse_other_models(words)
    command, rest = words[0], [word for word in words[1:] if word != "--enable-prefix-caching"]
    if command == "serve":
        options = dict(zip(rest[1::2], rest[2::2], strict=True))
        assert options.keys() <= set(OPTIONS), options
        where = [word for name in ("--host", "--port") if name in options for word in (name, options[name])]
        os.execvp("oceanchat", ["oceanchat", "serve-scripted", *where])
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    wanted = {"-i", "-o", "--model"}
    assert command == "run-batch" and options.keys() in (wanted, wanted | {"--max-model-len"}), words
    with Path(options["-o"]).open("w") as results:
        for line in Path(options["-i"]).read_text().splitlines():
            results.write(json.dumps(_answered(json.loads(line), options["--model"])) + "\n")


def _refuse_other_models(words: list[str]) -> None:
    """End where a study would take what is scripted for its own model's, as when this is left on the path."""
    model = words[1] if words[0] == "serve" else words[words.index("--model") + 1]
    if model not in ("scripted", "scripted-http"):
        sys.exit(
            f"vllm: this is the stand-in of a rehearsal: it answers for 'scripted-http', not for '{model}';"
            " take it from the PATH, and unset OPENAI_BASE_URL"
        )


def _answered(request: dict[str, object], model: str) -> dict[str, object]:
    """The line that `vllm run-batch` writes for a request."""
    url = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
    body = json.dumps({**dict(request["body"]), "model": model}).encode()  # type: ignore[call-overload]
    with urlopen(Request(url, body, {"Content-Type": "application/json"})) as answer:
        response = {"status_code": 200, "request_id": "vllm-batch-1", "body": json.load(answer)}
    return {"id": "vllm-1", "custom_id": request["custom_id"], "response": response, "error": None}


if __name__ == "__main__":
    main(sys.argv[1:])
