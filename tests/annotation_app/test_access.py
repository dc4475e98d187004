"""Who gets in, who sees what, and what the server binds to."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from oceanchat.annotation import accounts, labels
from oceanchat.store import annotators as annotator_rows
from tests.annotation_app.conftest import answer, sign_in, token
from tests.annotation_app.identity_provider import IdentityProvider
from tests.annotation_app.running import RunningApp, http_get, http_post, running
from tests.processes import Spawn, free_port, wait_until

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def open_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """One app for all tests here that change nothing others look at."""
    with running(tmp_path_factory.mktemp("access")) as running_app:
        running_app.sample(3, 1, names=("Ann", "Ben", "Out", "Rate"))
        running_app.serving["allowed_origins"] = ("https://known.example",)
        running_app.start()
        yield running_app


def post(app: RunningApp, route: str, body: object, **rest: object) -> httpx.Response:
    return http_post(f"{app.url}/annotation/{route}", json=body, **rest)  # type: ignore[arg-type]


def test_a_body_that_is_no_answer_is_refused_in_words(open_app: RunningApp) -> None:
    deep = b'{"answers": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    for body in (deep, b"[" * 20_000, b'{"answers": {"x": ' + b"[" * 500 + b"]" * 500 + b"}}"):
        answer = http_post(
            f"{open_app.url}/annotation/label", content=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()) == (400, {"error": "That cannot be read as answers."})


def test_strangers_are_sent_to_the_form(open_app: RunningApp) -> None:
    for path in ("/", "/progress", "/agreement", "/disagreements", "/validate"):
        answer = http_get(open_app.url + path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "<form" in http_get(f"{open_app.url}/login").text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(open_app: RunningApp) -> None:
    form = {"name": "Ann", "passcode": open_app.codes["Ann"].upper().replace("-", " ")}
    answer = http_post(f"{open_app.url}/login", data=form)
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags and "samesite=strict" in flags and "max-age=1209600" in flags
    [value] = answer.cookies.values()
    assert value.encode() not in open_app.path.read_bytes()


def test_wrong_passcodes_names_and_origins_are_refused_alike(open_app: RunningApp) -> None:
    wrong = http_post(f"{open_app.url}/login", data={"name": "Ann", "passcode": "no"})
    nobody = http_post(f"{open_app.url}/login", data={"name": "<b>Nobody</b>", "passcode": "no"})
    assert wrong.status_code == nobody.status_code == 403
    assert "name or passcode is wrong" in wrong.text.lower()
    assert "&lt;b&gt;Nobody" in nobody.text and "<b>Nobody" not in nobody.text
    form = {"name": "Ann", "passcode": open_app.codes["Ann"]}
    elsewhere = http_post(f"{open_app.url}/login", data=form, headers={"Origin": "http://evil.example"})
    assert elsewhere.status_code == 403 and not elsewhere.cookies


def test_guessing_is_slowed_down_and_locks_nobody_out(open_app: RunningApp) -> None:
    form = {"name": "Rate", "passcode": "guess"}
    started = time.monotonic()
    for _ in range(accounts.FREE_TRIES + 1):
        assert http_post(f"{open_app.url}/login", data=form).status_code == 403
    assert time.monotonic() - started >= 1
    with open_app.store.writing() as connection:
        for _ in range(30):
            annotator_rows.add_failure(connection, "Rate", "127.0.0.1", time.time())
    form["passcode"] = open_app.codes["Rate"]
    assert http_post(f"{open_app.url}/login", data=form).status_code == 303


def test_strangers_open_no_session_and_upload_nothing(open_app: RunningApp) -> None:
    stream = open_app.url.replace("http", "ws") + "/_stcore/stream"
    for headers in ({}, {"Cookie": "oceanchat-sign-in=made-up"}):
        assert opens_session(stream, headers) == 403
    upload = httpx.put(f"{open_app.url}/_stcore/upload_file/a/b", content=b"x" * 1000)
    assert upload.status_code == 403
    [(name, value)] = open_app.cookie("Ann").items()
    signed_in = {"Cookie": f"{name}={value}"}
    assert opens_session(stream, signed_in) == 101
    assert opens_session(stream, {**signed_in, "Origin": "http://evil.example"}) == 403


def opens_session(stream: str, headers: dict[str, str]) -> int:
    """The status with which a session is opened (101) or refused."""
    try:
        with connect(stream, additional_headers=headers, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://study.example"}, 403),
        ({"Origin": "https://study.example", "X-Forwarded-Host": "study.example"}, 303),
        ({"Origin": "https://study.example", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "https://known.example"}, 303),
        ({"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "X-Forwarded-Host": "study.example"}, 403),
    ],
)
def test_a_proxy_may_change_the_host(open_app: RunningApp, headers: dict[str, str], status: int) -> None:
    form = {"name": "Ben", "passcode": open_app.codes["Ben"]}
    answer = http_post(f"{open_app.url}/login", data=form, headers=headers)
    assert answer.status_code == status
    if "study.example" in headers.get("Origin", "") and status == 403:
        assert "--allowed-origin https://study.example" in answer.text


def test_the_form_sends_on_whoever_is_signed_in(open_app: RunningApp) -> None:
    answer = http_get(f"{open_app.url}/login", cookies=open_app.cookie("Ben"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_signing_out_ends_the_cookie_for_good(open_app: RunningApp) -> None:
    cookie = open_app.cookie("Out")
    page = http_get(open_app.url, cookies=cookie, headers={"Accept": "text/html"})
    # A stored page would be a blank one when somebody goes back to it after signing out.
    assert (page.status_code, page.headers.get_list("cache-control")) == (200, ["no-store"])
    http_get(f"{open_app.url}/logout", cookies=cookie)
    assert http_get(open_app.url, cookies=cookie, headers={"Accept": "text/html"}).status_code == 303


def test_labels_need_a_sign_in_an_own_item_and_sense(open_app: RunningApp) -> None:
    ben = accounts.find(open_app.store, "Ben")
    presented = labels.next_item(open_app.store, ben)
    assert presented is not None
    good = {"token": presented.token, "answers": {"trait_shown": "yes", "coherent": "yes"}}
    assert post(open_app, "label", good).status_code == 401
    ann = open_app.cookie("Ann")
    stolen = post(open_app, "label", good, cookies=ann)
    assert stolen.status_code == 409 and "no longer yours" in stolen.json()["error"]
    assert post(open_app, "draft", good, cookies=ann).status_code == 409
    own = open_app.cookie("Ben")
    for nonsense in ([], {"token": presented.token}, {"token": 3, "answers": "yes"}, "x"):
        assert post(open_app, "label", nonsense, cookies=own).status_code == 400
    half = {"token": presented.token, "answers": {"trait_shown": "perhaps"}}
    assert post(open_app, "label", half, cookies=own).status_code == 409
    huge = {"token": presented.token, "answers": {"comment": "x" * 100_000}}
    assert post(open_app, "label", huge, cookies=own).status_code == 400
    crossed = post(open_app, "label", good, cookies=own, headers={"Origin": "http://evil.example"})
    assert crossed.status_code == 403
    first = post(open_app, "label", good, cookies=own)
    again = post(open_app, "label", good, cookies=own)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert len([label for label in open_app.labels() if label.annotator_id == ben.id]) == 1


@pytest.mark.browser
def test_an_annotator_reaches_no_page_of_the_lead(open_app: RunningApp, visit: Callable[..., Page]) -> None:
    page = visit()
    sign_in(page, open_app, "Ann")
    token(page)
    for path in ("progress", "agreement", "disagreements"):
        page.goto(f"{open_app.url}/{path}")
        token(page)
        message = page.locator("body").inner_text()
        assert "Ben" not in message and "Cohen" not in message and "have all their labels" not in message
    expect(page.get_by_role("link", name="Progress")).to_have_count(0)


@pytest.mark.browser
def test_a_revoked_sign_in_is_met_by_a_way_back_and_no_lost_answer(
    app: RunningApp, visit: Callable[..., Page]
) -> None:
    app.sample(2, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    token(page)
    ann = accounts.find(app.store, "Ann")
    app.codes["Ann"] = accounts.renew_passcode(app.store, ann)
    for key in ("1", "3", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".status")).to_contain_text("no longer signed in")
    page.get_by_role("link", name="Sign in again").click()
    sign_in(page, app, "Ann")
    token(page)
    assert page.locator("#trait_shown-yes").is_checked()


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    """An organization that says yes to Ann."""
    with closing(IdentityProvider("ann@example.org")) as running_provider:
        yield running_provider


def configure_oidc(app: RunningApp, provider: IdentityProvider) -> None:
    (app.folder / ".streamlit").mkdir()
    (app.folder / ".streamlit" / "secrets.toml").write_text(
        f'[auth]\nredirect_uri = "{app.url}/oauth2callback"\ncookie_secret = "{"s" * 40}"\n'
        'client_id = "client"\nclient_secret = "secret"\n'
        f'server_metadata_url = "{provider.url}/.well-known/openid-configuration"\n'
    )


@pytest.mark.browser
def test_an_organization_s_sign_in_opens_the_account_of_that_address(
    app: RunningApp, visit: Callable[..., Page], provider: IdentityProvider
) -> None:
    configure_oidc(app, provider)
    app.sample(2, 1, names=("ann@example.org", "Ben"))
    app.start()
    page = visit()
    page.goto(app.url)
    page.get_by_role("button", name="Sign in with your organization").click()
    answer(page, "1", "3", "Enter")
    token(page)
    assert [label.annotator_id for label in app.labels()] == [1]
    provider.email = "stranger@example.org"
    other = visit()
    other.goto(app.url)
    other.get_by_role("button", name="Sign in with your organization").click()
    expect(other.get_by_text("stranger@example.org has no account here")).to_be_visible()
    other.get_by_role("link", name="Sign in with name and passcode").click()
    sign_in(other, app, "Ben")
    token(other)


@pytest.mark.browser
def test_a_closed_account_of_a_lead_acts_no_more(app: RunningApp, visit: Callable[..., Page]) -> None:
    app.sample(2, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Lea")
    page.get_by_text("Reassign the rest").click()
    expect(page.get_by_role("button", name="Close the account")).to_be_visible()
    accounts.renew_passcode(app.store, accounts.find(app.store, "Lea"))
    page.get_by_role("button", name="Close the account").click()
    expect(page.get_by_text("Your sign-in has ended")).to_be_visible()
    assert accounts.find(app.store, "Ann").retired_at is None


@pytest.mark.browser
def test_a_base_path_leads_to_every_page_and_route(app: RunningApp, visit: Callable[..., Page]) -> None:
    app.sample(2, 1)
    app.serving["base_path"] = "/study"
    app.start(health="/study/_stcore/health")
    page = visit()
    page.goto(f"{app.url}/study/")
    sign_in(page, app, "Ann", f"{app.url}/study")
    answer(page, "1", "3", "Enter")
    assert len(app.labels()) == 1
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_stopping_the_command_stops_the_server(app: RunningApp, spawn: Spawn) -> None:
    app.sample(1, 1)
    line = [sys.executable, "-c", "from oceanchat.cli.main import main; main()", "annotate"]
    line += ["--store", str(app.path), "--port", str(app.port)]
    process = spawn(line, cwd=app.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    app.wait(process=process)
    process.terminate()
    out, greeting = process.communicate()
    assert f"annotation app is at {app.url}. People sign in" in greeting and "treamlit" not in out + greeting
    with pytest.raises(httpx.ConnectError):
        http_get(f"{app.url}/_stcore/health")


def test_a_plain_streamlit_run_from_any_folder_listens_on_this_machine_only(
    tmp_path: Path, spawn: Spawn
) -> None:
    port = free_port()
    script = str(ROOT / "annotation_app" / "app.py")
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)]
    command += ["--", "--store", str(tmp_path / "store.db")]
    process = spawn(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def addresses() -> list[tuple[str, int]]:
        connections = psutil.Process(process.pid).net_connections()
        return [tuple(each.laddr) for each in connections if each.status == "LISTEN"]

    wait_until(lambda: bool(addresses()), process)
    assert addresses() == [("127.0.0.1", port)]
    process.kill()
    out, _ = process.communicate()
    assert "Network URL" not in out and "External URL" not in out and "usage statistics" not in out


def test_an_import_of_the_script_opens_no_store(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", "import annotation_app.navigation"], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
