"""A stand-in for `vllm`: `run-batch` asks the endpoint in OPENAI_BASE_URL, `serve` is the scripted one.

What the endpoint refuses becomes a result line as vLLM writes it: the error beside a response without a body.
It imports nothing of the project, so that it starts at once: a round has many shares. In a rehearsal it
answers for the scripted model alone; the tests let it answer under the models' names that the documents have.
"""

import json
import os
import sys
from pathlib import Path
from urllib.error import HTTPError
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
    url = os.environ.get("OPENAI_BASE_URL") or sys.exit("vllm: this is a stand-in: export OPENAI_BASE_URL")
    with Path(options["-o"]).open("w") as results:
        for line in Path(options["-i"]).read_text().splitlines():
            results.write(json.dumps(_answered(json.loads(line), options["--model"], url)) + "\n")


def _refuse_other_models(words: list[str]) -> None:
    """End where a study would take what is scripted for its own model's, as when this is left on the path."""
    model = words[1] if words[0] == "serve" else words[words.index("--model") + 1]
    if model not in ("scripted", "scripted-http"):
        sys.exit(
            f"vllm: this is the stand-in of a rehearsal: it answers for 'scripted-http', not for '{model}';"
            " take it from the PATH, and unset OPENAI_BASE_URL"
        )


def _answered(request: dict[str, object], model: str, url: str) -> dict[str, object]:
    """The line that `vllm run-batch` writes for a request."""
    body = json.dumps({**dict(request["body"]), "model": model}).encode()  # type: ignore[call-overload]
    asked = Request(f"{url}/chat/completions", body, {"Content-Type": "application/json"})
    status, reply, error = 200, None, None
    try:
        with urlopen(asked) as answer:
            reply = json.load(answer)
    except HTTPError as refusal:
        status, error = refusal.code, _error(refusal.read().decode("utf-8", "replace"))
    except OSError as problem:
        sys.exit(
            f"vllm: the endpoint {url} gives no answer ({getattr(problem, 'reason', problem)}); start it"
        )
    response = {"status_code": status, "request_id": "vllm-batch-1", "body": reply}
    return {"id": "vllm-1", "custom_id": request["custom_id"], "response": response, "error": error}


def _error(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main(sys.argv[1:])
