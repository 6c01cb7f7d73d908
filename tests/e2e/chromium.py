"""A headless Chromium, driven over a pipe (Chrome DevTools Protocol): what a human would see and press."""
import json, os, re, shutil, subprocess, time
from harness import check

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Chromium:
    def __init__(self, profile, url):
        check(PROGRAM, "there is no Chromium; install it with: ./dev setup")
        to_read, self.write = os.pipe()
        self.read, to_write = os.pipe()
        for end, number in ((to_read, 3), (to_write, 4)):
            os.set_inheritable(end, True)

        def as_three_and_four():
            a, b = os.dup(to_read), os.dup(to_write)
            os.dup2(a, 3)
            os.dup2(b, 4)
        arguments = [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        close_fds=False, preexec_fn=as_three_and_four, env={**os.environ, "HOME": str(profile)})
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.number = b"", 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.open(url)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if hasattr(self, "session"):
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                piece = os.read(self.read, 65536)
                check(piece, "Chromium has ended")
                self.buffer += piece
            text, _, self.buffer = self.buffer.partition(b"\0")
            answer = json.loads(text)
            if answer.get("id") == self.number:
                navigated = answer.get("error", {}).get("code") == -32000  # the page went away under a script
                check("error" not in answer or navigated, f"{method}: {answer}")
                return answer.get("result", {})

    def open(self, url):
        self.call("Page.navigate", url=url)

    def evaluate(self, script):
        return self.call("Runtime.evaluate", expression=script, returnByValue=True).get("result", {}).get("value")

    def wait_for(self, pattern):
        """The page's text, once it has what is looked for."""
        until = time.monotonic() + 60
        while True:
            text = self.evaluate("document.readyState === 'complete' ? document.body.innerText : ''") or ""
            if re.search(pattern, text):
                return text
            check(time.monotonic() < until, f"the page should say {pattern!r}: {text!r} at {self.evaluate('location.href')}")
            time.sleep(0.2)

    def press(self, label):
        """The first button or link of that name, once: the answer is here before the page goes away under it."""
        script = "(() => { if (document.readyState !== 'complete') return false; const b = [...document.querySelectorAll('button, a')].find(b => b.innerText.trim() === %s); if (b) setTimeout(() => b.click()); return !!b; })()" % json.dumps(label)
        until = time.monotonic() + 60
        while not self.evaluate(script):
            check(time.monotonic() < until, f"there is no button {label!r}")
            time.sleep(0.2)

    def close(self):
        if self.process.poll() is None:
            try:
                self.call("Browser.close")
            except Exception:
                self.process.kill()
            self.process.wait(30)
