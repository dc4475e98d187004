"""Any line of a result file is a record or nothing."""

import json

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.endpoint.batch_lines import read_line


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(str))
def test_any_line_of_a_result_file_is_a_record_or_nothing(text: str) -> None:
    read_line(text)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "custom_id": st.text() | st.integers(),
            "response": st.none()
            | st.text()
            | st.dictionaries(st.sampled_from(["status_code", "body"]), st.text()),
            "error": st.none() | st.text() | st.dictionaries(st.sampled_from(["code", "message"]), st.text()),
        },
    )
)
def test_any_json_object_is_a_result_line_or_nothing(line: dict[str, object]) -> None:
    result = read_line(json.dumps(line))
    assert (result is None) == (not isinstance(line.get("custom_id"), str))
