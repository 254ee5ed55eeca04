"""A headless Chromium, and JsSIP in its pages: phones in a browser that nobody here wrote.

JsSIP is not kept here, and these tests run without a network: JSSIP names a folder in which `npm install jssip` was
done. Its modules are bundled into one page by the few lines below.
"""
import asyncio
import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.request

import websockets

from lab import SCRATCH, die_with_parent, wait_until

PAGE = """<!doctype html><meta charset="utf-8"><title>phone</title><script>
const modules = {}, loaded = {};
function load(name) {
  if (!loaded[name]) {
    const module = loaded[name] = { exports: {} };
    modules[name][0](wanted => load(modules[name][1][wanted]), module, module.exports);
  }
  return loaded[name].exports;
}
globalThis.global = globalThis; globalThis.process = { env: {} };
%MODULES%
const JsSIP = load("%MAIN%");
const seen = [];
let ua, session, answering = true;
function watch(s, autoanswer) {
  session = s;
  for (const name of ["progress", "accepted", "confirmed", "ended", "failed", "hold", "unhold", "newDTMF"])
    s.on(name, e => seen.push([name, e.originator || "", e.cause || ""]));
  if (autoanswer)
    s.answer({ mediaConstraints: { audio: true, video: false } });
}
function start(uri, user, password, server) {
  ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(server)], uri, authorization_user: user, password,
                      register: true, register_expires: 300 });
  for (const name of ["connected", "disconnected", "registered", "unregistered", "registrationFailed"])
    ua.on(name, e => seen.push([name, "", e.cause || ""]));
  ua.on("newRTCSession", e => { if (e.originator === "remote") watch(e.session, answering); });
  ua.start();
}
function dial(target, video) {
  watch(ua.call(target, { mediaConstraints: { audio: true, video: !!video } }), false);
}
async function media() {
  const out = { received: 0, frames: 0, cipher: "" };
  for (const s of (await session.connection.getStats()).values()) {
    if (s.type === "inbound-rtp") out.received += s.packetsReceived;
    if (s.type === "inbound-rtp") out.frames += s.framesDecoded || 0;
    if (s.type === "transport" && s.dtlsState === "connected") out.cipher = s.srtpCipher || "";
  }
  return out;
}
</script>"""


def find_jssip():
    """The folder node_modules that has JsSIP, or None."""
    found = pathlib.Path(os.environ.get("JSSIP", "/nonexistent")) / "node_modules"
    return found if (found / "jssip").exists() else None


def _file(path):
    for p in (path, path.with_name(path.name + ".js"), path.with_name(path.name + ".json"), path / "index.js"):
        if p.is_file():
            return p
    raise FileNotFoundError(path)


def _main(folder):
    package = json.loads((folder / "package.json").read_text())
    browser = package.get("browser")
    return _file(folder / (browser if isinstance(browser, str) else package.get("main", "index.js")))


def bundle(node_modules):
    """The page with JsSIP in it: every module behind a function, found by following require()."""
    done, todo = {}, [_main(node_modules / "jssip")]
    while todo:
        file = todo.pop()
        if str(file) in done:
            continue
        text, wants = file.read_text(), {}
        if file.suffix == ".json":
            text = f"module.exports = {text}"
        for name in re.findall(r"""require\(['"]([^'"]+)['"]\)""", text):
            where = _file(file.parent / name) if name.startswith(".") else _main(node_modules / name)
            wants[name] = str(where)
            todo.append(where)
        done[str(file)] = (f"modules[{json.dumps(str(file))}] = [function (require, module, exports) {{\n{text}\n}}, "
                           f"{json.dumps(wants)}];")
    main = str(_main(node_modules / "jssip"))
    code = "\n".join(done.values()).replace("</script", "<\\/script")
    return PAGE.replace("%MAIN%", main).replace("%MODULES%", code)


class Pages:
    """A web server for one page, on the browser's own machine."""

    def __init__(self, page):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Chromium:
    """Driven by its own debugging protocol."""

    def __init__(self, folder, names):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        rules = ", ".join(f"MAP {name} {address}" for name, address in names.items())
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
             f"--user-data-dir={self.folder}", "--remote-debugging-port=0", "--ignore-certificate-errors",
             f"--host-resolver-rules={rules}", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
             "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns",
             "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
             "--disable-backgrounding-occluded-windows", "--autoplay-policy=no-user-gesture-required", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.folder / "err", "wb"),
            env=dict(os.environ, HOME=str(self.folder), **SCRATCH), preexec_fn=die_with_parent)
        port = wait_until("Chromium listens", self._port, 20)
        self.base = f"http://127.0.0.1:{port}"
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.number = 0

    def _port(self):
        try:
            return int((self.folder / "DevToolsActivePort").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            return None

    def run(self, work, timeout=20):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def open(self, url):
        request = urllib.request.Request(f"{self.base}/json/new?{url}", method="PUT")
        target = json.loads(urllib.request.urlopen(request, timeout=10).read())
        return Page(self, target)

    def close(self, page):
        urllib.request.urlopen(f"{self.base}/json/close/{page.target['id']}", timeout=10).read()

    def kill(self):
        """kill -9, the helper processes with it."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        self.loop.call_soon_threadsafe(self.loop.stop)


class Page:
    def __init__(self, browser, target):
        self.browser, self.target, self.number = browser, target, 0

        async def connect():
            return await websockets.connect(target["webSocketDebuggerUrl"], max_size=None, ping_interval=None)
        self.ws = browser.run(connect())
        wait_until("the page is there", lambda: self.eval("typeof start") == "function", 15)

    def eval(self, expression):
        self.number += 1
        number = self.number

        async def ask():
            await self.ws.send(json.dumps({"id": number, "method": "Runtime.evaluate", "params": {
                "expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True}}))
            while True:
                answer = json.loads(await self.ws.recv())
                if answer.get("id") == number:
                    return answer
        result = self.browser.run(ask()).get("result", {})
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result.get("result", {}).get("value")

    def seen(self, name):
        return [e for e in self.eval("seen") if e[0] == name]

    def wait(self, name, seconds=15):
        wait_until(f"{name} in the browser", lambda: self.seen(name), seconds)
        return self.seen(name)[-1]
