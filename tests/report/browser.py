"""A real Chromium without a window, spoken to over a pipe in the DevTools protocol: no driver, no package."""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60  # seconds for one answer: a loaded machine is slow, a lost browser is never back


def find() -> str | None:
    """The browser's path: BOXOFFICE_CHROMIUM, or what is installed under one of the usual names."""
    return os.environ.get("BOXOFFICE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One open page. ``requests`` and ``complaints`` gather what it asked for, and what its console says."""

    def __init__(self, browser: "Browser", session: str) -> None:
        self.browser, self.session = browser, session
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.send(method, params, self.session)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression. (The page's own policy forbids scripts; DevTools stand above it.)"""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def resize(self, width: int, height: int, *, scale: float = 1, mobile: bool = False) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )

    def media(self, kind: str = "", scheme: str = "light") -> None:
        """Shows the page as ``print`` or on a screen, light or dark."""
        self.send(
            "Emulation.setEmulatedMedia", media=kind, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def open(self, address: str) -> None:
        self.browser.loaded.discard(self.session)
        self.send("Page.navigate", url=address)
        self.browser.wait(lambda: self.session in self.browser.loaded)

    def screenshot(self, path: Path, height: int | None = None) -> None:
        """The whole page as a picture, or its first ``height`` pixels."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))


class Browser:
    def __init__(self, path: str, profile: str) -> None:
        to_browser, from_us = os.pipe()
        from_browser, to_us = os.pipe()
        command = [
            path,
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "about:blank",
        ]

        def place_pipes() -> None:
            # the protocol's pipes are 3 and 4; both are moved out of the way first, lest one lands on the other
            read, write = os.dup(to_browser), os.dup(to_us)
            high_read, high_write = os.dup2(read, 30), os.dup2(write, 31)
            os.dup2(high_read, 3)
            os.dup2(high_write, 4)

        self._process = subprocess.Popen(
            command,
            preexec_fn=place_pipes,
            close_fds=False,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(to_us)
        self._write, self._read = from_us, from_browser
        self._rest = b""
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._pages: dict[str, Page] = {}
        self.loaded: set[str] = set()

    def send(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        self.wait(lambda: number in self._answers)
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def wait(self, until: Any) -> None:
        give_up = time.monotonic() + PATIENCE
        while not until():
            ready, _, _ = select.select([self._read], [], [], max(0.0, give_up - time.monotonic()))
            assert ready, "Chromium does not answer"
            received = os.read(self._read, 1 << 20)
            assert received, "Chromium has gone"
            *messages, self._rest = (self._rest + received).split(b"\0")
            for message in messages:
                self._take(json.loads(message))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
            return
        page = self._pages.get(message.get("sessionId", ""))
        params = message.get("params", {})
        match message["method"]:
            case "Page.loadEventFired":
                self.loaded.add(message["sessionId"])
            case "Network.requestWillBeSent" if page:
                page.requests.append(params["request"]["url"])
            case "Log.entryAdded" if page:
                page.complaints.append(params["entry"]["text"])
            case "Runtime.exceptionThrown" if page:
                page.complaints.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if page:
                page.complaints.append(str(params["args"]))

    def page(self) -> Page:
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Network", "Log", "Runtime"):
            page.send(f"{domain}.enable")
        return page

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._write)
        os.close(self._read)


@contextlib.contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A running browser with a profile of its own, gone afterwards with all its processes."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-chromium-", ignore_cleanup_errors=True) as profile:
        browser = Browser(path, profile)
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":
    # python -m tests.report.browser PAGE.html PICTURE.png [WIDTH [HEIGHT]]: a picture to look at, at twice its size
    source, picture, *size = sys.argv[1:]
    width, height = int(size[0]) if size else 900, int(size[1]) if len(size) > 1 else None
    with chromium(find() or "chromium") as running:
        shown = running.page()
        shown.resize(width, 900, scale=2, mobile=width < 600)
        shown.open(Path(source).resolve().as_uri())
        shown.screenshot(Path(picture), height)
