"""The interactive page of a network, in a real browser where there is one, and what is refused."""
import html
import json
import re
import sys

import numpy as np
import ohmlearn as ol
import pytest
import typer
from browser import needs_browser, visit
from ohmlearn.drivers.commands import show
from ohmlearn.drivers.display import network_page
from typer.testing import CliRunner

NET = ol.Network.delaunay(30, seed=1, mean_degree=None, spacing=0.6)
TASK = ol.Task(currents={0: 1.0, 29: -1.0}, targets=[(4, 17)], target_voltages=[0.8])

# Does what a user does, with real events, and returns what came of it.
VISIT = """
const seen = {errors: window.failures};
seen.layers = [...document.querySelectorAll('#layers button')].map(b => b.textContent);
const transform = () => document.getElementById('view').getAttribute('transform');
const point = element => { const box = element.getBoundingClientRect();
  return {clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true}; };
const hover = element => { element.dispatchEvent(new PointerEvent('pointermove', point(element)));
  return document.getElementById('tip').textContent; };
const circles = [...document.querySelectorAll('#nodes circle')], lines = [...document.querySelectorAll('#edges line')];
seen.title = document.title;
seen.counts = [circles.length, lines.length, document.querySelectorAll('#marks circle').length];
seen.node = hover(circles[4]);
seen.edge = hover(lines[7]);
seen.colors = [new Set(circles.map(c => c.getAttribute('fill'))).size];
const widths = () => lines.map(l => l.getAttribute('stroke-width')).join();
const before = widths();
document.querySelectorAll('#layers button')[1].click();
seen.switched = widths() !== before;
seen.legend = document.getElementById('high').textContent;
const start = transform();
const map = document.getElementById('map');
map.dispatchEvent(new WheelEvent('wheel', {...point(map), deltaY: -200}));
seen.zoom = parseFloat(transform().split('scale(')[1]) / parseFloat(start.split('scale(')[1]);
const held = parseFloat(transform().split('(')[1]);
map.dispatchEvent(new PointerEvent('pointerdown', point(map)));
map.dispatchEvent(new PointerEvent('pointermove', {...point(map), clientX: point(map).clientX + 30}));
window.dispatchEvent(new PointerEvent('pointerup', {}));
seen.moved = parseFloat(transform().split('(')[1]) - held;
document.getElementById('home').click();
seen.home = transform() === start;
return seen;"""


@pytest.fixture(scope="module")
def trained():
    return ol.descend(NET, TASK, until=1e-6)


@needs_browser
def test_a_user_looks_at_a_trained_network(trained, tmp_path):
    path = trained.show(tmp_path / "map.html")
    seen = visit(path, tmp_path, VISIT)
    assert seen["errors"] == []
    assert seen["title"].startswith("trained to C = ")
    assert seen["layers"] == ["voltages", "conductances", "soft mode", "stiff mode"]
    assert seen["counts"] == [30, NET.n_edges, 4]
    voltages = ol.hessian(NET, TASK, trained.conductances).voltages[0]
    assert seen["node"].splitlines()[0] == "node 4"
    assert float(re.search(r"voltages: (\S+) V", seen["node"])[1]) == pytest.approx(voltages[4], rel=1e-3)
    assert "target, 0.8 V desired" in seen["node"]
    assert float(re.search(r"conductances: (\S+)", seen["edge"])[1]) == pytest.approx(trained.conductances[7], rel=1e-3)
    assert seen["colors"][0] > 10
    assert seen["switched"]
    assert float(seen["legend"]) == pytest.approx(trained.conductances.max(), rel=1e-3)
    assert seen["zoom"] == pytest.approx(np.exp(0.5), rel=1e-3)
    assert seen["moved"] == pytest.approx(30)
    assert seen["home"]


def test_page_is_self_contained_and_safe(tmp_path):
    text = network_page.page(NET, [network_page.Layer("</script><b>", "nodes", np.zeros(30))], title="a < b")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert "<title>a &lt; b</title>" in text
    assert text.count("</script>") == 2
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    assert data["edges"] == NET.edges.tolist()


def test_names_are_text_and_nothing_else():
    name = "<!--<script>alert(1)</script>"
    net = ol.Network.from_edges([(0, 1), (1, 2), (2, 0)], node_names=[name, "b", "c"], edge_names=["R1", "R2", name])
    text = network_page.page(net, [network_page.Layer("g", "edges", np.ones(3))])
    assert "<!--" not in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, flags=re.DOTALL)[1])
    assert data["names"] == {"nodes": [name, "b", "c"], "edges": ["R1", "R2", name]}


def test_layers_that_do_not_exist_are_left_out_with_a_word():
    ring = ol.Network.grid(8, periodic=True)
    layers, notes = network_page.layers_of(ring, 1.0)
    assert [layer.name for layer in layers] == ["conductances"]
    assert "softest mode is degenerate" in notes[0]
    assert "softest mode is degenerate" in network_page.page(ring, layers, notes=notes)


def test_periodic_edges_are_drawn_on_both_sides():
    torus = ol.Network.grid(4, 4, periodic=True)
    data = json.loads(re.search(r'id="data">(.*?)</script>',
                                network_page.page(torus, network_page.layers_of(torus, 1.0)[0]))[1])
    assert len(data["segments"]) == torus.n_edges + 8


def test_bad_pages(monkeypatch):
    with pytest.raises(ValueError, match="must hold 30 finite values, one per node"):
        network_page.page(NET, [network_page.Layer("x", "nodes", np.zeros(3))])
    with pytest.raises(ValueError, match="one layer at least"):
        network_page.page(NET, [])
    monkeypatch.setattr(network_page, "LARGEST", 10)
    with pytest.raises(ValueError, match="too many for a page"):
        network_page.page(NET, network_page.layers_of(NET, 1.0)[0])


def test_show_command(tmp_path):
    app = typer.Typer()
    app.callback()(lambda: None)
    show.add_to(app)
    NET.write(tmp_path / "net.graphml")
    (tmp_path / "task.toml").write_text('currents = { 0 = 1.0, 29 = -1.0 }\ntargets = { "4-17" = 0.8 }\n')
    result = CliRunner().invoke(app, ["show", str(tmp_path / "net.graphml"), "--task", str(tmp_path / "task.toml"),
                                      "-o", str(tmp_path / "out.html")])
    assert result.exit_code == 0, result.output
    assert "stiff mode" in (tmp_path / "out.html").read_text()
    result = CliRunner().invoke(app, ["show", str(tmp_path / "net.graphml"), "--member", "0,1"])
    assert "--member belongs to the store of a sweep" in str(result.exception)


def test_a_notebook_shows_the_page_below_the_cell(tmp_path, monkeypatch):
    net, task = ol.Network.grid(3, 3), ol.Task({0: 1.0, 8: 0.0}, {4: 0.4})
    page = ol.descend(net, task).show(tmp_path / "net.html")
    assert page == tmp_path / "net.html"
    shown = page._repr_html_()
    assert html.unescape(shown.partition('srcdoc="')[2].partition('"')[0]) == page.read_text()
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    other = ol.descend(net, task).show()
    assert other.exists()
    assert opened == []
    monkeypatch.delitem(sys.modules, "ipykernel")
    assert ol.descend(net, task).show().as_uri() in opened
