import itertools

from hypothesis import given
from hypothesis import strategies as st

from boxoffice.ticket_tailor.intervals import minus, union

spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def seconds(some):
    return {second for start, end in some for second in range(start, end)}


def tidy(some):
    return all(start < end for start, end in some) and all(one[1] < other[0] for one, other in itertools.pairwise(some))


@given(spans)
def test_union_holds_the_same_seconds_in_as_few_spans_as_can_be(some):
    assert seconds(union(some)) == seconds(some)
    assert tidy(union(some))


@given(spans, spans)
def test_minus_takes_away_those_seconds_and_no_others(some, taken):
    assert seconds(minus(some, taken)) == seconds(some) - seconds(taken)
    assert tidy(union(minus(some, taken)))
