"""Put a release on the Hub.

Verified first, and scripted data only on request. It knows what may be published; how it gets there is
known to oceanchat/hub.
"""

from pathlib import Path

from oceanchat.errors import ReleaseError
from oceanchat.hub.publishing import Plan, Published, Publisher
from oceanchat.hub.tokens import check_may_write, has_token
from oceanchat.release.folder import read_manifest
from oceanchat.release.licenses import LICENSE_IDS
from oceanchat.release.manifest import Manifest
from oceanchat.release.verification import verify_release

REPLACED = ("data/", "unmatched/", "rejected/", "topics.png", "croissant.json")
"""What a release may have and the next one lack: deleted from the repository when it does."""


def publish_release(folder: Path, publisher: Publisher, *, allow_scripted: bool = False) -> Published:
    """Publish a release folder under its version's tag.

    Raises ReleaseError for a folder that does not verify or is scripted without leave, HubError for what the
    Hub says.
    """
    manifest = _publishable(folder, allow_scripted)
    check_may_write(publisher.repo_id, publisher.endpoint, publisher.token)
    _check_verifies(folder)
    return publisher.publish(folder, manifest.tag, f"Release {manifest.version}", REPLACED)


def plan_publication(folder: Path, publisher: Publisher, *, allow_scripted: bool = False) -> Plan:
    """What `publish_release` would do, after the same checks; nothing is sent.

    Raises as it does, but for a token that is missing, which the plan says.
    """
    manifest = _publishable(folder, allow_scripted)
    if has_token(publisher.token):
        check_may_write(publisher.repo_id, publisher.endpoint, publisher.token)
    _check_verifies(folder)
    return publisher.plan(folder, manifest.tag, REPLACED)


def _publishable(folder: Path, allow_scripted: bool) -> Manifest:
    """The manifest of a release that may be published, by what is checked at once."""
    manifest = read_manifest(folder)
    if manifest.scripted and not allow_scripted:
        raise ReleaseError(
            f"release '{folder}' holds scripted data, which no reader should take for a model's;"
            " pass --allow-scripted to publish it anyway"
        )
    if manifest.license not in LICENSE_IDS:
        raise ReleaseError(
            f"release '{folder}' has the license '{manifest.license}', which is not an id of the Hub; release"
            " again with one, or with --license other"
        )
    return manifest


def _check_verifies(folder: Path) -> None:
    verification = verify_release(folder)
    if verification.problems:
        more = f" (and {len(verification.problems) - 1} more)" if len(verification.problems) > 1 else ""
        raise ReleaseError(
            f"release '{folder}' does not verify: {verification.problems[0]}{more}; write it again"
        )
