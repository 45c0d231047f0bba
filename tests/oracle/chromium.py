"""Drives a headless Chromium over a pipe (Chrome DevTools Protocol), using only the standard library."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--hide-scrollbars", "--remote-debugging-pipe",
]  # fmt: skip
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36,
        "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}  # fmt: skip

# Collects violations of the content security policy, and records when the first heat map is in the page.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
new MutationObserver((_, observer) => {
  if (!document.querySelector("table.heat td[aria-label]")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => (window.firstPicture = performance.now())));
}).observe(document, { childList: true, subtree: true });
"""


class Chromium:
    """A browser with one page; `events` holds every event that it sent."""

    def __init__(self, width=1400, height=900, seconds=60):
        self.seconds, self.events, self.buffer, self.calls = seconds, [], b"", 0
        self.home = tempfile.mkdtemp(prefix="chromium-")
        here_reads, its_writes = os.pipe()
        its_reads, here_writes = os.pipe()

        def wire():
            # The protocol's descriptors are 3 and 4; duplicates are inherited.
            reads, writes = os.dup(its_reads), os.dup(its_writes)
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        command = ["chromium", *FLAGS, f"--user-data-dir={self.home}", f"--window-size={width},{height}"]
        environment = {"HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(command, env=environment, close_fds=False, preexec_fn=wire,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)  # fmt: skip
        os.close(its_reads)
        os.close(its_writes)
        self.reads, self.writes, self.session = here_reads, here_writes, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session = None
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.reads)
        os.close(self.writes)
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, **params):
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _receive(self):
        until = time.monotonic() + self.seconds
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.reads], [], [], max(0, until - time.monotonic()))
            read = os.read(self.reads, 1 << 20) if ready else b""
            if not read:
                raise RuntimeError(f"Chromium does not answer (exit code {self.process.poll()})")
            self.buffer += read
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, url):
        self.load("Page.navigate", url=url)

    def load(self, method, **params):
        """Calls a method that loads a page, and waits until the page is loaded."""
        before = len(self.events)
        self.call(method, **params)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events[before:]):
            self.events.append(self._receive())

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression):
        """Waits until the expression is truthy in the page, and returns its value."""
        until = time.monotonic() + self.seconds
        while not (said := self.evaluate(expression)):
            if time.monotonic() > until:
                raise RuntimeError(f"the page never became true: {expression}")
            time.sleep(0.02)
        return said

    def key(self, name):
        code = {"key": name, "code": name, "windowsVirtualKeyCode": KEYS[name]}
        text = {"text": "\r"} if name == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def mouse(self, selector, click=False):
        """Scrolls an element into view and moves the mouse over it."""
        place = self.evaluate(f"""(() => {{
            const found = document.querySelector({json.dumps(selector)});
            found.scrollIntoView({{ block: "center" }});
            const box = found.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        at = {"x": place[0], "y": place[1]}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **at)
        if click:
            for kind in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def system_theme(self, theme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def screenshot(self, path, whole=False):
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def pdf(self, path):
        printed = self.call("Page.printToPDF", printBackground=False, landscape=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(printed["data"]))

    def requests(self):
        """URLs that the page requested."""
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def complaints(self):
        """Logged errors and warnings, exceptions, and violations of the content security policy."""
        said = [e for e in self.events if e.get("method") == "Log.entryAdded"]
        said += [e for e in self.events if e.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled")]
        return [json.dumps(e["params"])[:400] for e in said] + self.evaluate("window.violations")
