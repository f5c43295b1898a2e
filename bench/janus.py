"""Janus (Debian's package) as one of the forwarders: a private one, with its HTTP API and VideoRoom plugin only.

Janus skips loopback when it gathers candidates, so media run over the machine's own address, for both forwarders.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measures import own_address
from bench.peer import Peer
from bench.servers import Running, Server
from bench.traffic import lines
from tests.servers import pick_port

ROOM = 1
_PLUGIN, _TRANSPORT = "libjanus_videoroom.so", "libjanus_http.so"
_MAIN = """
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    loggers_folder = "{folder}/none"
    events_folder = "{folder}/none"
    debug_level = 0
    session_timeout = 0
{more}
}}
nat: {{ ice_enforce_list = "{address}" }}
"""
_HTTP = """
general: {{ http = true, ip = "127.0.0.1", port = {port}, base_path = "/janus", json = "compact" }}
admin: {{ admin_http = false }}
"""


def servers() -> list[Server]:
    """As packaged, and with its best setting; none where it is not installed."""
    if shutil.which("janus") is None or not _modules():
        return []
    return [
        Server("Janus", lambda: _start("")),
        Server("Janus, event_loops=1", lambda: _start("    event_loops = 1")),
    ]


def version() -> str:
    """What Janus says it is."""
    told = subprocess.run(["janus", "--version"], capture_output=True, text=True, check=False).stdout
    return told.split("(")[-1].split(")")[0] if "(" in told else "unknown"


def _modules() -> list[Path]:
    return sorted(Path("/usr/lib").glob(f"**/janus/plugins/{_PLUGIN}"))


@contextmanager
def _start(more: str) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="station-janus-") as name:
        folder, port = Path(name), pick_port()
        _configure(folder, port, more)
        command = ["janus", "-F", name, "-d", "0", "--disable-stdout", "--log-file", str(folder / "log")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            how = {"module": __name__, "url": f"http://127.0.0.1:{port}/janus"}
            _wait_until_ready(how["url"], process)
            _Session(how["url"]).ask(
                request="create", room=ROOM, publishers=20, bitrate=0, videocodec="h264", audiocodec="opus"
            )
            yield Running(process.pid, how)
        finally:
            process.kill()  # its own ending takes seconds with hundreds of handles
            process.wait()


def _configure(folder: Path, port: int, more: str) -> None:
    home = _modules()[-1].parent.parent
    for kind, module in (("plugins", _PLUGIN), ("transports", _TRANSPORT)):
        (folder / kind).mkdir()
        (folder / kind / module).symlink_to(home / kind / module)
    (folder / "none").mkdir()
    (folder / "janus.jcfg").write_text(_MAIN.format(folder=folder, address=own_address(), more=more))
    (folder / "janus.transport.http.jcfg").write_text(_HTTP.format(port=port))
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + 15
    while time.monotonic() < end_s and process.poll() is None:
        try:
            urllib.request.urlopen(url + "/info", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError("Janus did not start")


def open_access(how: dict[str, Any]) -> JanusAccess:
    """The way in."""
    return JanusAccess(how["url"])


class JanusAccess:
    """A session of its own for each peer."""

    def __init__(self, url: str) -> None:
        self._url = url

    def publish(self, number: int) -> Peer:
        """Joins as publisher number + 1 and offers."""
        session, peer = _Session(self._url), Peer(own_address())
        session.wait_for(session.say({"request": "join", "ptype": "publisher", "room": ROOM, "id": number + 1}))
        offer = {"type": "offer", "sdp": peer.offer(lines(number))}
        event = session.wait_for(session.say({"request": "publish"}, offer))
        peer.accept(event["jsep"]["sdp"])
        peer.connect()
        return peer

    def watch(self, number: int, publishers: Sequence[int]) -> Peer:
        """Asks for the publishers' streams, and answers Janus's offer of them."""
        session, peer = _Session(self._url), Peer(own_address())
        streams = [{"feed": other + 1} for other in publishers]
        join = {"request": "join", "ptype": "subscriber", "room": ROOM, "streams": streams}
        event = session.wait_for(session.say(join))
        answer = {"type": "answer", "sdp": peer.answer(event["jsep"]["sdp"])}
        session.say({"request": "start", "room": ROOM}, answer)
        peer.connect()
        return peer

    def close(self) -> None:
        """Nothing is open."""


class _Session:
    """Janus's HTTP API: a session with one handle of the VideoRoom plugin."""

    def __init__(self, url: str) -> None:
        self._session = f"{url}/{_post(url, {'janus': 'create'})['data']['id']}"
        attach = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        self._handle = f"{self._session}/{_post(self._session, attach)['data']['id']}"

    def ask(self, **body: Any) -> dict[str, Any]:
        """A request that is answered at once."""
        told: dict[str, Any] = _post(self._handle, {"janus": "message", "body": body})["plugindata"]["data"]
        if "error" in told:
            raise RuntimeError(f"Janus: {told['error']}")
        return told

    def say(self, body: dict[str, Any], jsep: dict[str, str] | None = None) -> str:
        """A request that an event answers: its transaction."""
        message: dict[str, Any] = {"janus": "message", "body": body, "transaction": secrets.token_hex(6)}
        if jsep is not None:
            message["jsep"] = jsep
        _post(self._handle, message)
        return str(message["transaction"])

    def wait_for(self, transaction: str) -> dict[str, Any]:
        """The event that answers a request. Raises RuntimeError for an error, or after 20 s."""
        end_s = time.monotonic() + 20
        while time.monotonic() < end_s:
            with urllib.request.urlopen(self._session + "?maxev=1", timeout=35) as response:
                event: dict[str, Any] = json.load(response)
            if event.get("transaction") == transaction:
                data = event.get("plugindata", {}).get("data", {})
                if event["janus"] == "error" or "error" in data:
                    raise RuntimeError(f"Janus: {event.get('error') or data.get('error')}")
                return event
        raise RuntimeError("Janus did not answer")


def _post(url: str, message: dict[str, Any]) -> dict[str, Any]:
    message = {"transaction": secrets.token_hex(6), **message}
    request = urllib.request.Request(url, json.dumps(message).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        answer: dict[str, Any] = json.load(response)
    if answer.get("janus") == "error":
        raise RuntimeError(f"Janus: {answer['error']}")
    return answer
