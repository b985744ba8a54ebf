"""What README and documentation show: code runs, commands and their options exist, links and places in the code too."""
import functools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import typer
from ohmlearn.drivers import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "docs" / "howto").glob("*.md")), *sorted((ROOT / "benchmarks").glob("*.md"))]
BLOCK = re.compile(r"^```(python|sh|toml)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STARTS = r"(?: {4}|> )?(?:[A-Z_]+=\S+ )*(?:mpiexec|srun|apptainer|env|exec|(?:\.venv/bin/)?ohmlearn)\b"
SET_UP = ("python3 -m venv", ". env/", "pip install")
WITH_CODE = [page for page in PAGES if "```python" in page.read_text() and page.name != "README.md"]


def name_of(page):
    return str(page.relative_to(ROOT))


def text_of(page):
    return page.read_text(encoding="utf-8")


def play(page, folder, shell):
    """Run the blocks of a page from top to bottom; a TOML block goes into the file named before it."""
    here: dict = {"__name__": page.stem}
    last = 0
    text = text_of(page)
    for block in BLOCK.finditer(text):
        kind, code = block.groups()
        if kind == "python":
            exec(compile(code, f"{page.name}, line {text[:block.start()].count(chr(10)) + 2}", "exec"), here)
        elif kind == "toml" and (named := re.findall(r"`(\w+\.toml)`", text[last:block.start()])):
            (folder / named[-1]).write_text(code)
        elif kind == "sh" and shell:
            lines = [line for line in code.splitlines() if not line.startswith(SET_UP)]
            script = "\n".join([f'ohmlearn() {{ {shlex.quote(sys.executable)} -m ohmlearn "$@"; }}', *lines])
            done = subprocess.run(["bash", "-ec", script], cwd=folder, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
        last = block.end()
    return here


LONG = ("learning", "nonlinear", "circuits", "large")       # pages with much to compile


@pytest.mark.parametrize("page", [pytest.param(page, marks=pytest.mark.slow if page.stem in LONG else ())
                                  for page in WITH_CODE], ids=lambda page: name_of(page))
def test_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = play(page, tmp_path, shell=page.stem == "tutorial")
    plt.close("all")
    if page.stem == "tutorial":
        assert here["run"].status == "reached"
        made = {path.name for path in tmp_path.iterdir()}
        assert {"network.png", "cost.png", "learned.png", "rates.png", "results"} <= made
        assert here["results"].attrs["members_to_do"] == 0


def test_messages_of_the_tutorial_are_those_of_the_program():
    import ohmlearn as ol

    text = text_of(ROOT / "docs" / "tutorial.md")
    net = ol.Network.grid(8, 8)
    apart = ol.Network.from_edges([(k, k + 1) for k in range(10)] + [(12, 11)])
    for mistake in (lambda: ol.Task([64], [1.0], [3], [0.5]).check(net),
                    lambda: ol.Task([0, 7], [1.0, 0.0], [7], [0.5]),
                    lambda: ol.Task([0], [1.0], [3], [0.5]).check(apart)):
        with pytest.raises(ValueError, match="node") as caught:
            mistake()
        shown = re.split(r"[(;]| (?:if|\(1)", str(caught.value))[0].strip()
        assert re.sub(r"\d+", "", shown)[:40] in re.sub(r"\d+", "", text), shown


def commands(text):
    """Every `ohmlearn ...` of a page: in blocks, in lines of a batch script, in tables and in running text."""
    text = re.sub(r"\\\n\s*", "", text)
    found = re.findall(r"`(ohmlearn [^`\n]+)`", text)
    for line in text.splitlines():
        if re.match(STARTS, line):
            found += [line[at:] for at in [line.find("ohmlearn ")] if at >= 0]
    return [part for part in found if part.split()[1][0] not in ".("]


@functools.cache
def commands_of():
    cli.add_commands()
    return typer.main.get_command(cli.app)


def check_command(words):
    """Raise unless the command line knows the command and its options."""
    app = commands_of()
    context = app.make_context("ohmlearn", list(words))
    command = app
    while hasattr(command, "resolve_command"):
        left = [*context._protected_args, *context.args]
        if not left:
            return
        name, command, rest = command.resolve_command(context, left)
        context = command.make_context(name, rest or ["--help"] * command.no_args_is_help, parent=context)


@pytest.fixture(scope="module", autouse=True)
def all_commands():
    cli.add_commands()


SHOWN = [(name_of(page), command) for page in PAGES for command in dict.fromkeys(commands(text_of(page)))]
SHOWN += [(name_of(path), command) for path in sorted((ROOT / "docs" / "batch").iterdir())
          for command in commands(path.read_text())]


def test_commands_exist():
    assert len(SHOWN) > 30
    wrong = []
    for page, command in SHOWN:
        words = shlex.split(re.split(r" [>|&] ", command)[0].replace("…", "x"), comments=True)[1:]
        try:
            check_command(words)
        except Exception as error:      # of click, which comes with some versions of typer and inside others
            message = error.format_message() if hasattr(error, "format_message") else ""
            fine = "does not exist" in message or ("Missing argument" in message and len(words) < 3)    # only named
            if not (isinstance(error, typer.Exit) or fine):
                wrong.append(f"{page}: {command}: {message or repr(error)}")
    assert not wrong, "\n".join(wrong)


def test_wrong_commands_are_seen():
    for words, told in ((["figure", "fig2", "--taskz", "3"], "No such option"),
                        (["swep", "a.toml"], "No such command")):
        with pytest.raises(Exception, match=told) as caught:
            check_command(words)
        assert caught.type.__name__ in ("NoSuchOption", "NoSuchCommand", "UsageError")


def anchors(text):
    """Anchors of a page's headings, as its links write them."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "auto_gallery" in target.parts:
            script = ROOT / "docs" / "gallery" / target.parent.name / f"{target.stem}.py"
            assert target.stem == "index" or script.exists(), f"{link}: no such example"
        else:
            assert target.exists(), f"{link}: no such file"
            assert not anchor or anchor in anchors(text_of(target)), f"{link}: no such heading"


def places(text):
    return re.findall(r"`([a-z_]+/[\w/]+\.py):(\w+)`", text)


def test_places_in_the_code_exist():
    named = places(text_of(ROOT / "docs" / "physics.md"))
    assert len(named) > 40
    for path, name in named:
        assert re.search(rf"^ *(?:def|class) {name}\b", (ROOT / path).read_text(), flags=re.MULTILINE), (path, name)


def test_every_page_is_reachable():
    listed = "\n".join(text_of(page) for page in PAGES)
    for page in PAGES:
        if "docs" in page.parts and page.name != "index.md":
            found = re.search(rf"^(?:\.\./)?(?:\w+/)?{page.stem}$", listed, flags=re.MULTILINE)
            assert found, f"{page} is in no toctree"
