"""The page of a sweep: its numbers, and what a browser makes of it."""
import re

import numpy as np
import ohmlearn as ol
import pytest
from browser import needs_browser, visit
from ohmlearn.drivers.cli import main
from ohmlearn.drivers.jobs import sweep_report
from ohmlearn.drivers.jobs.sweep_report import failures, summary, write_summary
from ohmlearn.drivers.store.errors import StoreError
from sweeps import small


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A sweep of 15 members, most of which reach the threshold."""
    path = tmp_path_factory.mktemp("sweep") / "small <1>"
    small(sweep__t_max=200.0).run(path, threads=1, progress=False)
    return path


def cells(text, heading):
    """Rows of the first table below a heading."""
    part = text[text.index(f"<h2>{heading}</h2>"):]
    rows = re.findall(r"<tr>(.*?)</tr>", part[part.index("<table>"):part.index("</table>")])
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


def test_numbers(store):
    text, data = summary(store), ol.open_results(store).load()
    rows = cells(text, "Training times")
    assert [row[0] for row in rows] == ["R", "0.3", "1", "10"]
    tau = data["training_time"].values
    assert [int(row[2]) for row in rows[1:]] == np.isfinite(tau).sum(axis=0).tolist()
    np.testing.assert_allclose([float(row[3]) for row in rows[1:]], np.nanmean(tau, axis=0), rtol=1e-3)
    np.testing.assert_allclose([float(row[5]) for row in rows[1:]], np.nanmedian(tau, axis=0), rtol=1e-3)
    unreached = cells(text, "How the runs ended")[1:]
    assert len(unreached) == np.isnan(tau).sum() > 0
    assert "Failures: none" in text
    slowest = cells(text, "Timing")[1:]
    assert int(slowest[0][3]) == data["n_steps"].max()
    assert f"{int(data['n_steps'].sum())} steps and" in text
    assert dict(cells(text, "Provenance")[1:])["sweep digest"] == data.attrs["sweep_digest"]
    assert "&quot;per_decade&quot;: 3" in text


@needs_browser
def test_in_a_browser(store, tmp_path):
    path = write_summary(store, tmp_path / "page.html")
    seen = visit(path, tmp_path, """
        const images = [...document.images];
        return {errors: window.failures, title: document.title, widths: images.map(i => i.naturalWidth),
                words: images.map(i => i.alt), headings: [...document.querySelectorAll('h2')].map(h => h.textContent),
                wide: document.documentElement.scrollWidth <= window.innerWidth};""")
    assert seen["errors"] == []
    assert seen["title"] == "Sweep small <1>"
    assert len(seen["widths"]) == 4
    assert min(seen["widths"]) > 500
    assert seen["headings"] == ["Training times", "Traces", "How the runs ended", "Timing", "Provenance"]
    assert seen["wide"]


def test_it_needs_no_other_file(store):
    text = summary(store)
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "<script" not in text


def test_failures_are_listed_with_their_reasons(store):
    data = ol.open_results(store).load()
    data["status"][1, 0], data["reason"][1, 0] = "diverged", "R < 1 diverged at t = 3"
    rows = re.findall(r"<tr>(.*?)</tr>", failures(data))
    assert rows[1] == ('<td>1</td><td>0.3</td><td class="words">diverged</td>'
                       '<td class="words">R &lt; 1 diverged at t = 3</td>')


def test_members_to_do(tmp_path):
    """A sweep that is not complete, without traces."""
    from ohmlearn.drivers.store.store import Store

    path = tmp_path / "part"
    sweep = small(record=None, tasks__allosteric__count=1)
    sweep.run(path, threads=1, progress=False)
    grown = small(record=None, tasks__allosteric__count=2)
    Store.prepare(path, grown)
    text = summary(path)
    assert "6 members, " in text
    assert "3 to do" in text
    assert "<h2>Traces</h2>" not in text


def test_nothing_done_yet(tmp_path):
    from ohmlearn.drivers.store.store import Store, make_folder

    make_folder(tmp_path / "new")
    Store.prepare(tmp_path / "new", small())
    text = summary(tmp_path / "new")
    assert "15 members, 15 to do" in text
    assert "<img" not in text


def test_command(store, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for words, code, told in (([store], 0, "wrote small <1>-report.html"),
                              ([tmp_path], 2, "is not the store of a sweep"),
                              ([store, "-o", "nowhere/page.html"], 2, "nowhere/page.html: cannot write it (No such "
                               "file or directory); choose a folder that exists, is writable and has room")):
        with pytest.raises(SystemExit) as end:
            main(["report", *map(str, words)])
        assert end.value.code == code
        assert told in "".join(capsys.readouterr())
    assert (tmp_path / "small <1>-report.html").stat().st_size > 50_000


def test_no_store(tmp_path):
    with pytest.raises(StoreError, match="is not the store of a sweep"):
        summary(tmp_path)


def test_what_a_store_says_is_text_and_no_script(store, tmp_path):
    """A store of a stranger: attributes and reasons that are scripts; and the page allows none to run."""
    harm = "<script>document.title = 'harmed'</script>"
    data = ol.open_results(store).load()
    data.attrs |= {"n_nodes": harm, "sweep_digest": harm, harm: harm}
    data["reason"] = data["reason"].copy(data=np.full(data["reason"].shape, harm, dtype=object))
    data["status"] = data["status"].copy(data=np.full(data["status"].shape, "diverged"))
    page = "\n".join([sweep_report.overview(data), sweep_report.failures(data), sweep_report.provenance(data)])
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 3
    whole = sweep_report.summary(store)
    assert "script-src 'none'" in whole
    assert "default-src 'none'" in whole
