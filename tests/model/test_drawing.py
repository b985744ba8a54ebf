"""Pictures of networks: nothing of them is cut off."""
import ohmlearn as ol
import pytest


@pytest.mark.parametrize(("net", "edges"), [
    (ol.Network.packing(64, seed=1), False), (ol.Network.packing(64, seed=1), True), (ol.Network.grid(3, 8), False)])
def test_title_legend_and_marks_are_in_the_picture(net, edges):
    task = ol.Task.allosteric(net, sources=3, targets=3, seed=3)
    axes = net.plot(task=task, edges=net.conductances() if edges else None)
    figure = axes.figure
    figure.canvas.draw()
    whole = figure.bbox
    for part in (axes.title, axes.get_legend()):
        box = part.get_window_extent()
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1
    marks = [part for part in axes.collections if part.get_label() in ("source", "current") or
             part.get_label().startswith("target")]
    assert len(marks) == 2
    assert not any(mark.get_clip_on() for mark in marks)
