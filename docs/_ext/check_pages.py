"""Look at the built documentation in a real browser: nothing overflows, text can be read, the console is silent, and
everyday words find their page.

    python docs/_ext/check_pages.py results/docs [--pages index tutorial ...] [--all] [--pictures FOLDER]

Every page at three widths, light and dark. It needs Chromium, and what the extra `docs` brings: playwright, which
drives the browser, and axe, which judges contrast (WCAG 2 AA).
"""
from __future__ import annotations

import argparse
import functools
import http.server
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WIDTHS, SCHEMES = (390, 768, 1280), ("light", "dark")
SAMPLES = ("ohmlearn.Network", "ohmlearn.train")
# A word typed into the search -> the page that should come first
WORDS = {
    "save": "howto/saving", "continue": "howto/saving", "diode": "scope", "noise": "howto/rule", "units": "howto/units",
    "ohm": "howto/units", "error bars": "faq", "plot": "auto_gallery/index", "MPI": "cluster", "resume": "howto/saving",
    "install": "installation", "cite": "citing", "rate": "glossary", "floor": "glossary", "sweep": "tutorial",
    "SPICE": "howto/circuits", "tolerance": "howto/accuracy", "iris": "iris", "large": "howto/large", "threads":
    "installation", "notebook": "first-hours", "contribute": "contributing", "compare": "comparison",
    "xarray": "howto/results", "figure": "howto/figure",
}
# Wider than the window: the page itself, or a part that neither fits its box nor scrolls in it
OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > wide + 1) found.push('the page scrolls sideways');
  for (const part of document.querySelectorAll('.bd-article *')) {
    const box = part.getBoundingClientRect();
    if (box.width === 0 || box.right <= wide + 1) continue;
    let scrolls = false;
    for (let outer = part.parentElement; outer; outer = outer.parentElement)
      if (/auto|scroll|hidden/.test(getComputedStyle(outer).overflowX)) { scrolls = true; break; }
    if (!scrolls) found.push(part.tagName + ' ' + (part.textContent || '').trim().slice(0, 40));
  }
  for (const table of document.querySelectorAll('.bd-article table'))
    if (table.scrollWidth > table.parentElement.clientWidth + 1)
      found.push('table wider than its column: ' + table.textContent.trim().replace(/\\s+/g, ' ').slice(0, 50));
  return [...new Set(found)].slice(0, 5);
}"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, served on this machine."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def visit(browser: Any, address: str, names: list[str], pictures: Path | None) -> list[str]:
    """What is wrong with pages, at every width in every scheme."""
    from axe_playwright_python.sync_playwright import Axe

    faults = []
    for scheme in SCHEMES:
        for width in WIDTHS:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = context.new_page()
            told: list[str] = []
            # but for the theme's note on which of its two schemes it shows
            page.on("console", lambda message, told=told: message.text.startswith("[PST]") or told.append(message.text))
            page.on("pageerror", lambda error, told=told: told.append(str(error)))
            # the icon's request is given up when the next page is asked for before it came
            page.on("requestfailed", lambda request, told=told: request.failure == "net::ERR_ABORTED"
                    or told.append(f"not loaded: {request.url}"))
            for name in names:
                told.clear()
                page.goto(f"{address}/{name}.html", wait_until="load")
                found = [*page.evaluate(OVERFLOW), *told]
                if width == WIDTHS[-1]:     # contrast does not depend on the width
                    seen = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
                    found += [f"contrast: {node['target'][0]} {node['any'][0]['data'].get('contrastRatio')}"
                              for violation in seen for node in violation["nodes"]]
                faults += [f"{name} at {width} px, {scheme}: {fault}" for fault in found]
                if pictures:
                    path = pictures / f"{name.replace('/', '-')}-{width}-{scheme}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=path, full_page=True)
            context.close()
    return faults


def search(browser: Any, address: str) -> list[str]:
    """Words whose page does not come first."""
    faults, page = [], browser.new_page()
    for word, wanted in WORDS.items():
        page.goto(f"{address}/search.html?q={word}")
        page.wait_for_selector("#search-results p.search-summary:not(:empty)", state="attached")
        page.wait_for_function("() => !document.querySelector('#search-results .search-summary')?.textContent"
                               ".includes('...')")
        links = page.eval_on_selector_all("#search-results ul.search li > a, #search-results ul li > a",
                                          "all => all.map(a => a.getAttribute('href'))")
        first = [link.split("?")[0] for link in links[:4]]
        if not first or wanted not in first[0]:
            faults.append(f"search for {word!r}: first {first or 'nothing'}, not {wanted}")
    page.close()
    return faults


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path)
    words.add_argument("--pages", nargs="*", help="names without .html, and no search; by default every page but those "
                                                  "of single names of the API, which are made alike")
    words.add_argument("--all", action="store_true", help="those too")
    words.add_argument("--pictures", type=Path, help="keep a picture of every page here")
    given = words.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        print("no Chromium here; pages are not looked at")
        return 0
    from playwright.sync_api import sync_playwright

    names = given.pages if given.pages is not None else sorted(
        str(path.relative_to(given.folder).with_suffix("")) for path in given.folder.rglob("*.html")
        if not {"_static", "_sources", "_modules"} & set(path.relative_to(given.folder).parts)
        and path.stem not in ("search", "genindex")
        and (given.all or path.parent.name != "generated" or path.stem in SAMPLES))
    with served(given.folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        faults = visit(browser, address, names, given.pictures)
        if not given.pages:
            faults += search(browser, address)
        browser.close()
    print(*faults, sep="\n")
    print(f"{len(names)} pages at {len(WIDTHS)} widths in {len(SCHEMES)} schemes, "
          f"{0 if given.pages else len(WORDS)} words: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
