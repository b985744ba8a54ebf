"""The catalogue finds figures by itself, and the report holds what they made, whatever happened to them."""
import os
import re
import signal
from base64 import b64decode
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from ohmlearn.drivers.cli import main
from ohmlearn.drivers.figures import catalogue, report
from ohmlearn.drivers.figures.catalogue import BEYOND, PAPER_1, PAPER_2, Entry, Settings, Verdict, entries, verdicts
from ohmlearn.drivers.figures.paper1 import fig1

PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@dataclass(frozen=True)
class Much:
    tasks: int = 1


def written(size: Much, folder: Path, given: Settings) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "made.png").write_bytes(PIXEL)
    (folder / "made.txt").write_text(f"{size.tasks} tasks on {given.threads}\n\n"
                                     "pass  a < b: 3; expected at most 4\nFAIL  c: 5; expected 6\n      d: 7\n")
    (folder / "made.csv").write_text("x\n1\n")
    return [folder / f"made.{kind}" for kind in ("png", "txt", "csv")]


def failing(size: Much, folder: Path, given: Settings) -> list[Path]:
    raise OSError("no space left")


GOOD = Entry("good", "A figure", PAPER_1, {"a": "an <x>"}, dict.fromkeys(("quick", "usual", "full"), Much()), written,
             adjust={"tasks": int})
BAD = replace(GOOD, name="bad", section=BEYOND, make=failing)


def test_every_figure_module_is_found() -> None:
    """A module of the folder that writes verdicts has an entry; names are unique and in the order of the papers."""
    found = entries()
    assert {"fig1", "fig2", "landscape1", "landscape2", "landscapeS1", "landscape-responses"} <= set(found)
    assert [entry.name for entry in found.values()] == list(found)
    sections = [entry.section for entry in found.values()]
    assert sections.index(PAPER_2) == max(sections.index(s) for s in set(sections))
    folder = Path(report.__file__).parent
    declared = re.findall(r"^FIGURE = Entry\(", "".join(p.read_text() for p in folder.rglob("*.py")), re.MULTILINE)
    assert len(declared) == len(found)


def test_verdicts_are_read_back() -> None:
    text = "R  tau\npass  slope: -1.0; expected -1 ± 0.1\n      not judged: 3\nopen  x: 1; expected 2\npassing by\n"
    assert verdicts(text) == [Verdict("pass", "slope: -1.0", "-1 ± 0.1"), Verdict("open", "x: 1", "2")]


def test_sizes() -> None:
    assert fig1.FIGURE.size(quick=True) == fig1.QUICK
    assert GOOD.size(tasks="7") == Much(7)
    with pytest.raises(ValueError, match="exclude each other"):
        GOOD.size(True, True)
    with pytest.raises(ValueError, match="figure good has no option --rates"):
        GOOD.size(rates="1,2")
    with pytest.raises(ValueError, match="needs the sizes quick, usual, full; it has quick"):
        replace(GOOD, sizes={"quick": Much()})
    with pytest.raises(ValueError, match="section must be one of"):
        replace(GOOD, section="paper 3")


def test_the_report_carries_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(report, "entries", lambda: {"good": GOOD, "bad": BAD})
    with pytest.raises(SystemExit) as ended:
        main(["figure", "all", "--quick", "--output", str(tmp_path), "--threads", "1"])
    assert ended.value.code == 1                             # one of them failed
    told = capsys.readouterr().out
    assert "good: 1 pass, 1 FAIL" in told
    assert "bad: OSError: no space left" in told
    text = (tmp_path / "report.html").read_text()
    pictures = re.findall(r'src="data:image/png;base64,([^"]*)"', text)
    assert [b64decode(picture) for picture in pictures] == [PIXEL]
    data = dict(re.findall(r'download="([^"]*)" href="data:[^,]*,([^"]*)"', text))
    assert b64decode(data["made.csv"]) == b"x\n1\n"
    assert "a &lt; b: 3</td><td>at most 4" in text
    assert text.count("c: 5</td><td>6") == 2                 # in its figure, and among what was not reproduced
    assert "an &lt;x&gt;" in text
    assert "It could not be made: OSError: no space left" in text
    assert not re.search(r'(src|href)="(?!data:|#|https://doi.org)', text)


def test_commands_take_what_fits_them(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in ((["fig1", "--network", __file__], "has a network of its own"),
                             (["landscape1", "--tasks", "3"], "figure landscape1 has no option --tasks"),
                             (["all", "--quick", "--full"], "exclude each other")):
        with pytest.raises(SystemExit) as ended:
            main(["figure", *arguments])
        assert ended.value.code == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", ["good", "all"])
def test_a_signal_of_a_batch_system_ends_a_figure_in_words(name, tmp_path, monkeypatch, capsys) -> None:
    def told_to_end(size: Much, folder: Path, given: Settings) -> list[Path]:
        os.kill(os.getpid(), signal.SIGTERM)
        return written(size, folder, given)

    known = {"good": replace(GOOD, make=told_to_end)}
    monkeypatch.setattr(catalogue, "entries", lambda: known)
    monkeypatch.setattr(report, "entries", lambda: known)
    with pytest.raises(SystemExit) as ended:
        main(["figure", name, "--output", str(tmp_path / "out")])
    assert ended.value.code == 75
    assert capsys.readouterr().err.splitlines() == [
        "stopped by SIGTERM; repeat the command: sweeps resume, and figures are made anew"]
    assert not list(tmp_path.rglob("made.*"))
