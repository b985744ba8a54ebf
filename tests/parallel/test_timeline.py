"""What a rank remembers of what it did is bounded, and nothing where nobody asked."""
from ohmlearn.parallel import timeline
from ohmlearn.parallel.timeline import Timeline


def test_nothing_is_kept_unless_it_is_wanted():
    found = Timeline(wanted=False)
    for k in range(1000):
        found.add("working", k, k + 1.0)
    assert found.finish() == []


def test_the_longest_spans_are_kept_of_very_many(monkeypatch):
    monkeypatch.setattr(timeline, "MOST", 300)
    monkeypatch.setattr(timeline, "LEAST", 10)
    found = Timeline(ranks=3)
    for k in range(1, 5001):
        found.add("working", 0.0, k * 0.01)
    spans = found.finish()
    assert 0 < len(spans) <= 100
    assert max(span.end for span in spans) == 50.0
