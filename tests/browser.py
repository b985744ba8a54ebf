"""A page in a real browser, without a screen."""
import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs chromium")
# Every error of the page's, and every picture or other part of it that does not load.
WATCH = """<head><script>window.failures = [];
window.addEventListener('error', e => window.failures.push(e.message || 'not loaded: ' + e.target.outerHTML), true);
console.error = (...words) => window.failures.push(words.join(' '));</script>"""


def visit(path, folder, script):
    """What the browser saw: `script` is the body of a function run on the complete page; it returns what JSON can hold.

    The page's errors are in the global `failures`.
    """
    look = f"document.body.setAttribute('data-seen', JSON.stringify((() => {{{script}}})()));"
    digest = base64.b64encode(hashlib.sha256(look.encode()).digest()).decode()
    text = path.read_text()
    assert "script-src '" in text       # the page allows its own scripts alone, so this one has to be let in
    text = text.replace("script-src 'none'", "script-src").replace("script-src", f"script-src 'sha256-{digest}'", 1)
    probe = folder / "probe.html"
    probe.write_text(text.replace("<head>", WATCH).replace("</body>", f"<script>{look}</script></body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1000,800",
               f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000", "--enable-logging=stderr",
               "--dump-dom", probe.as_uri()]
    done = subprocess.run([BROWSER, *options], capture_output=True, text=True, timeout=120, check=True,
                          env={**os.environ, "HOME": str(folder)})
    told = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert told == []
    return json.loads(html.unescape(re.search(r'data-seen="([^"]*)"', done.stdout)[1]))
