"""Who gets in, who sees what, and what the server binds to."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import Page, expect

from oceanchat.annotation import accounts, labels
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


def test_guessing_is_slowed_down(open_app: RunningApp) -> None:
    for _ in range(accounts.ATTEMPTS_PER_NAME):
        http_post(f"{open_app.url}/login", data={"name": "Rate", "passcode": "guess"})
    form = {"name": "Rate", "passcode": open_app.codes["Rate"]}
    assert "too many attempts" in http_post(f"{open_app.url}/login", data=form).text.lower()


def test_signing_out_ends_the_cookie_for_good(open_app: RunningApp) -> None:
    cookie = open_app.cookie("Out")
    assert http_get(open_app.url, cookies=cookie, headers={"Accept": "text/html"}).status_code == 200
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


def test_a_plain_streamlit_run_listens_on_this_machine_only(tmp_path: Path, spawn: Spawn) -> None:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "annotation_app/app.py", "--server.port", str(port)]
    command += ["--", "--store", str(tmp_path / "store.db")]
    process = spawn(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def addresses() -> list[tuple[str, int]]:
        connections = psutil.Process(process.pid).net_connections()
        return [tuple(each.laddr) for each in connections if each.status == "LISTEN"]

    wait_until(lambda: bool(addresses()), process)
    assert addresses() == [("127.0.0.1", port)]
    process.kill()
    out, _ = process.communicate()
    assert "Network URL" not in out and "External URL" not in out


def test_an_import_of_the_script_opens_no_store(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", "import annotation_app.navigation"], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
