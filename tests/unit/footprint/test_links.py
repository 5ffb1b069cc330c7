"""The order in which tables are emptied."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from upheld.datamap.live import ForeignKey, LiveColumn, LiveSchema, LiveTable
from upheld.footprint.links import delete_order


def schema(links: dict[str, list[str]]) -> LiveSchema:
    return LiveSchema(
        {
            name: LiveTable(
                name=name,
                schema="public",
                relation=name,
                partitioned=False,
                rows=0,
                columns={"id": LiveColumn("id", "bigint", "N", "int8", nullable=False)},
                primary_key=("id",),
                fks=tuple(
                    ForeignKey(f"{name}_{far}", ("id",), far, ("id",), "a", deferrable=False)
                    for far in fars
                ),
            )
            for name, fars in links.items()
        }
    )


def test_children_come_before_their_parents() -> None:
    live = schema({"comment": ["work", "person"], "work": ["person"], "person": []})
    order = delete_order(live, frozenset(live.tables))
    assert order == (("comment",), ("work",), ("person",))


def test_a_circle_goes_at_once() -> None:
    live = schema({"person": ["team"], "team": ["person"], "post": ["person"]})
    assert delete_order(live, frozenset(live.tables)) == (("post",), ("person", "team"))


graphs = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh")), min_size=1
)


@given(graphs)
def test_no_parent_ever_goes_before_a_child(links: dict[str, list[str]]) -> None:
    live = schema({n: [f for f in fars if f in links] for n, fars in links.items()})
    order = delete_order(live, frozenset(live.tables))
    assert sorted(name for group in order for name in group) == sorted(links)
    place = {name: at for at, group in enumerate(order) for name in group}
    for name, table in live.tables.items():
        assert all(place[name] <= place[key.to] for key in table.fks)
