"""Write requests to files that engines read."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from oceanchat.llm.endpoint.batch_lines import request_line
from oceanchat.llm.endpoint.request_form import RequestForm
from oceanchat.llm.offline import AbsentRequest
from oceanchat.whole_files import whole_file


def request_lines(requests: Sequence[AbsentRequest]) -> Iterator[bytes]:
    """Each request as a line of a batch file; its custom_id is the ledger's key."""
    form = RequestForm()
    for absent in requests:
        yield request_line(absent.key, form.body(absent.model, absent.request))


def shard_paths(output: Path, shards: int) -> list[Path]:
    """The files that `output` is split into: 'requests.jsonl' makes 'requests-1-of-4.jsonl' and so on."""
    if shards == 1:
        return [output]
    return [
        output.with_name(f"{output.stem}-{number}-of-{shards}{output.suffix}")
        for number in range(1, shards + 1)
    ]


def earlier_files(output: Path, shards: int) -> list[Path]:
    """Request files under the name of `output` that another number of shards left beside these."""
    of_any_number = re.compile(rf"{re.escape(output.stem)}-\d+-of-\d+{re.escape(output.suffix)}")
    now = {path.name for path in shard_paths(output, shards)}
    files = (path for path in output.parent.iterdir() if path.name not in now and path.is_file())
    named = (path for path in files if path.name == output.name or of_any_number.fullmatch(path.name))
    return sorted(path for path in named if path.stat().st_size)


def write_requests(requests: Sequence[AbsentRequest], paths: Sequence[Path]) -> None:
    """Write each of `paths` anew, with equal shares of the requests in their order: empty where none is left.

    All files are whole or as they were. Raises OSError.
    """
    ends = [len(requests) * number // len(paths) for number in range(len(paths) + 1)]
    with ExitStack() as stack:
        files = [stack.enter_context(whole_file(path)) for path in paths]
        for file, start, end in zip(files, ends, ends[1:], strict=False):
            file.writelines(request_lines(requests[start:end]))
