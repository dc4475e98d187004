"""A stand-in for the Hugging Face Hub: a process of its own on a loopback socket, with faults on demand.

It speaks what huggingface_hub and datasets really send to publish, tag, list and load a dataset; `python
hub_stub.py` prints its address. POST /_stub/faults takes a list of {match, kind, times, ...}; GET
/_stub/state tells what it holds. Kinds: status (answer `status` with `content` and do nothing), lost (do it,
then drop the connection), cut (drop the connection in the middle), slow (wait `seconds` first), stale
(another writer's commit comes in between).
"""

import base64
import hashlib
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

GOOD, READ_ONLY = "hf_good", "hf_readonly"
LOCK = threading.Lock()
BLOBS: dict[str, bytes] = {}
REPOS: dict[str, dict[str, Any]] = {}
FAULTS: list[dict[str, Any]] = []
SEEN: list[str] = []
NOTHING: tuple[int, Any] = (404, {"error": "Not Found"})


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\x00" % len(data) + data).hexdigest()


def put_blob(data: bytes) -> str:
    oid = hashlib.sha256(data).hexdigest()
    BLOBS[oid] = data
    return oid


def is_lfs(path: str) -> bool:
    return path.endswith((".parquet", ".png", ".safetensors"))


def new_repo(name: str, private: bool) -> None:
    REPOS[name] = {"private": private, "commits": [], "tags": {}}
    add_commit(name, {".gitattributes": put_blob(b"*.parquet filter=lfs\n")}, "initial commit")


def add_commit(name: str, tree: dict[str, str], message: str) -> str:
    commits = REPOS[name]["commits"]
    parent = commits[-1]["oid"] if commits else ""
    text = json.dumps([parent, sorted(tree.items()), message, len(commits)])
    oid = hashlib.sha1(text.encode()).hexdigest()
    commits.append({"oid": oid, "tree": dict(tree), "message": message})
    return oid


def commit_of(name: str, revision: str) -> dict[str, Any] | None:
    repo = REPOS[name]
    wanted = (
        repo["commits"][-1]["oid"] if revision in ("main", "HEAD") else repo["tags"].get(revision, revision)
    )
    return next((commit for commit in repo["commits"] if commit["oid"] == wanted), None)


def entry(path: str, oid: str) -> dict[str, Any]:
    data = BLOBS[oid]
    entry = {"type": "file", "path": path, "size": len(data), "oid": git_sha1(data)}
    if is_lfs(path):
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n".encode()
        entry |= {
            "oid": git_sha1(pointer),
            "lfs": {"oid": oid, "size": len(data), "pointerSize": len(pointer)},
        }
    return entry


def listing(tree: dict[str, str], below: str, recursive: bool) -> list[dict[str, Any]]:
    inside = {path: oid for path, oid in tree.items() if not below or path.startswith(below + "/")}
    if recursive:
        return [entry(path, oid) for path, oid in sorted(inside.items())]
    start = len(below) + 1 if below else 0
    folders = sorted({path[:start] + path[start:].split("/")[0] for path in inside if "/" in path[start:]})
    files = [entry(path, oid) for path, oid in sorted(inside.items()) if "/" not in path[start:]]
    return [{"type": "directory", "path": f, "oid": git_sha1(f.encode()), "size": 0} for f in folders] + files


def info(name: str, commit: dict[str, Any]) -> dict[str, Any]:
    return {
        "_id": "0" * 24, "id": name, "sha": commit["oid"], "private": REPOS[name]["private"], "gated": False,
        "disabled": False, "tags": [], "downloads": 0, "likes": 0, "lastModified": "2026-01-01T00:00:00.000Z",
        "siblings": [{"rfilename": path} for path in sorted(commit["tree"])],
    }  # fmt: skip


def commit_upload(name: str, body: bytes, host: str) -> tuple[int, Any]:
    lines = [json.loads(line) for line in body.splitlines() if line.strip()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    head = REPOS[name]["commits"][-1]
    if header.get("parentCommit") not in (None, head["oid"]):
        return 412, {"error": "A commit has happened since. Please refresh and try again."}
    tree = dict(head["tree"])
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            tree[value["path"]] = put_blob(base64.b64decode(value["content"]))
        elif line["key"] == "lfsFile":
            if value["oid"] not in BLOBS:
                return 400, {"error": f"lfs object {value['oid']} was never uploaded"}
            tree[value["path"]] = value["oid"]
        elif line["key"] == "deletedFile":
            del tree[value["path"]]
    oid = add_commit(name, tree, header["summary"])
    return 200, {
        "success": True,
        "commitOid": oid,
        "commitUrl": f"http://{host}/datasets/{name}/commit/{oid}",
    }


def preupload(name: str, body: Any) -> Any:
    tree = REPOS[name]["commits"][-1]["tree"]
    files = []
    for file in body["files"]:
        path, lfs, known = file["path"], is_lfs(file["path"]), tree.get(file["path"])
        oid = None if known is None else known if lfs else git_sha1(BLOBS[known])
        mode = "lfs" if lfs else "regular"
        files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return {"files": files}


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Nothing: the tests read the state instead."""

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        self.query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        line = f"{self.command} {unquote(parts.path)}"
        fault = self.fault_for(line)
        kind = "" if fault is None else fault["kind"]
        if kind == "cut":
            self.rfile.read(min(1024, int(self.headers.get("Content-Length") or 0)))
            return self.drop()
        body = self.read_body()
        with LOCK:
            SEEN.append(line)
            if fault is not None and kind == "status":
                content = fault.get("content", {"error": "fault"})
                return self.answer(fault["status"], content, fault.get("headers", {}))
            if kind == "stale":
                for name, repo in REPOS.items():
                    tree = repo["commits"][-1]["tree"] | {"NOTES.md": put_blob(b"someone else's file\n")}
                    add_commit(name, tree, "someone else's commit")
        if fault is not None and kind == "slow":
            time.sleep(fault["seconds"])
        with LOCK:
            try:
                reply = self.route(self.command, unquote(parts.path), body)
            except KeyError as missing:
                return self.answer(404, {"error": f"no {missing}"}, {"X-Error-Code": "RepoNotFound"})
        if kind == "lost":
            return self.drop()
        if reply is not None:
            self.answer(*reply)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    def fault_for(self, line: str) -> dict[str, Any] | None:
        with LOCK:
            for fault in FAULTS:
                if fault.get("times", 1) > 0 and re.search(fault["match"], line):
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return None

    def read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def answer(self, status: int, content: Any = None, headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def route(self, verb: str, path: str, body: bytes) -> Any:
        if path.startswith("/_stub/"):
            return self.control(path, body)
        if path.startswith("/_lfs/"):
            if verb == "PUT" and hashlib.sha256(body).hexdigest() == path[6:]:
                put_blob(body)
            return 200, {}
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if verb == "POST" and token != GOOD:
            return (403 if token == READ_ONLY else 401), {"error": "not allowed"}
        if path == "/api/whoami-v2":
            return self.whoami(token)
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if match := re.fullmatch(r"/(?:datasets/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return 200, {
                "transfer": "basic",
                "objects": [self.lfs_action(o) for o in json.loads(body)["objects"]],
            }
        if match := re.fullmatch(r"/(?:datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.resolve(*match.groups())
        if match := re.fullmatch(
            r"/api/(?:datasets|models)/([^/]+/[^/]+)(?:/(\w[\w-]*)(?:/([^/]+)(?:/(.+))?)?)?", path
        ):
            return self.api(*match.groups(), body=body)
        return NOTHING

    def control(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/_stub/faults":
            FAULTS[:] = json.loads(body)
            SEEN.clear()
        hashes = {n: {p: h for p, h in r["commits"][-1]["tree"].items()} for n, r in REPOS.items()}
        return 200, {"repos": REPOS, "files": hashes, "seen": SEEN}

    def whoami(self, token: str) -> tuple[int, Any]:
        roles = {GOOD: "write", READ_ONLY: "read"}
        if token not in roles:
            return 401, {"error": "Invalid credentials in Authorization header"}
        access = {"displayName": "mine", "role": roles[token]}
        auth = {"type": "access_token", "accessToken": access}
        return 200, {"type": "user", "name": "me", "orgs": [{"name": "ocean"}], "auth": auth}

    def create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        url = {"url": f"http://{self.headers['Host']}/datasets/{name}", "name": name}
        if name in REPOS:
            return 409, url | {"error": "You already created this dataset repo"}
        new_repo(name, bool(asked.get("private")) or asked.get("visibility") == "private")
        return 200, url

    def lfs_action(self, item: dict[str, Any]) -> dict[str, Any]:
        oid, size, host = item["oid"], item["size"], f"http://{self.headers['Host']}/_lfs"
        if oid in BLOBS:
            return {"oid": oid, "size": size}
        return {
            "oid": oid,
            "size": size,
            "actions": {"upload": {"href": f"{host}/{oid}"}, "verify": {"href": f"{host}/verify"}},
        }

    def api(
        self, name: str, what: str | None, revision: str | None, below: str | None, *, body: bytes
    ) -> Any:
        repo = REPOS[name]
        if what == "refs":
            tags = [
                {"name": t, "ref": f"refs/tags/{t}", "targetCommit": oid} for t, oid in repo["tags"].items()
            ]
            head = repo["commits"][-1]["oid"]
            return 200, {
                "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": head}],
                "tags": tags,
                "converts": [],
            }
        if what == "preupload":
            return 200, preupload(name, json.loads(body))
        if what == "commit":
            return commit_upload(name, body, self.headers["Host"])
        commit = commit_of(name, revision or "main")
        if commit is None:
            return 404, {"error": "no such revision"}, {"X-Error-Code": "RevisionNotFound"}
        if what == "tag":
            wanted = json.loads(body)["tag"]
            if wanted in repo["tags"]:
                return 409, {"error": "tag exists"}
            repo["tags"][wanted] = commit["oid"]
            return 200, {}
        if what in (None, "revision"):
            return 200, info(name, commit)
        if what == "tree":
            return 200, listing(
                commit["tree"], below or "", self.query.get("recursive", "").lower() == "true"
            )
        if what == "paths-info":
            paths = parse_qs(body.decode()).get("paths") or json.loads(body)["paths"]
            return 200, [entry(p, commit["tree"][p]) for p in paths if p in commit["tree"]]
        return NOTHING

    def resolve(self, name: str, revision: str, path: str) -> Any:
        commit = commit_of(name, revision)
        if commit is None or path not in commit["tree"]:
            return (
                404,
                {"error": "Entry not found"},
                {"X-Error-Code": "EntryNotFound" if commit else "RevisionNotFound"},
            )
        oid = commit["tree"][path]
        data = BLOBS[oid]
        etag = f'"{oid if is_lfs(path) else git_sha1(data)}"'
        headers = {
            "ETag": etag,
            "X-Repo-Commit": commit["oid"],
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
        }
        if is_lfs(path):
            headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(len(data))}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
            return (
                206,
                data[first : last + 1],
                headers | {"Content-Range": f"bytes {first}-{last}/{len(data)}"},
            )
        return 200, data, headers


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read() if len(sys.argv) > 1 else None
    server.serve_forever()
