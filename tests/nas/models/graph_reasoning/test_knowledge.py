import numpy as np
import pytest

from nas.data import cityscapes, voc2012
from nas.models.graph_reasoning.knowledge import (
    SHIPPED,
    KnowledgeGraph,
    cooccurrence_graph,
    hierarchy_of,
    identity_graph,
    shipped_graph,
)


def neighbours(graph, name):
    row = graph.adjacency[graph.names.index(name)]
    return {graph.names[index] for index in row.nonzero()[0]}


def test_cityscapes():
    graph = shipped_graph("cityscapes")
    assert (len(graph.names), graph.edges) == (27, 26)
    assert graph.names[:19] == tuple(cityscapes.CLASS_NAMES)
    assert neighbours(graph, "rider") == {"group: human"}
    assert neighbours(graph, "group: human") == {"person", "rider", "root"}
    assert neighbours(graph, "root") == {
        f"group: {group}" for group in ("flat", "construction", "object", "nature", "sky", "human", "vehicle")
    }
    assert "Cordts" in graph.source


def test_voc():
    graph = shipped_graph("voc2012")
    assert (len(graph.names), graph.edges) == (26, 25)
    assert graph.names[:21] == tuple(voc2012.CLASS_NAMES)
    assert neighbours(graph, "root") == {
        "background",
        *(f"group: {g}" for g in ("person", "animal", "vehicle", "indoor")),
    }
    assert len(neighbours(graph, "group: vehicle")) == 8


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_graphs_are_trees(name):
    """One edge fewer than nodes, and every node is reached from the root."""
    graph = shipped_graph(name)
    size = len(graph.names)
    assert graph.edges == size - 1
    reached = np.linalg.matrix_power(graph.adjacency + np.eye(size), 4)[-1]
    assert (reached > 0).all()


def test_one_step_moves_nothing_between_siblings_and_two_do():
    graph = shipped_graph("cityscapes")
    person, rider = graph.names.index("person"), graph.names.index("rider")
    step = graph.normalized()
    assert step[person, rider] == 0
    assert (step @ step)[person, rider] > 0


def test_normalised_by_hand():
    graph = KnowledgeGraph(("a", "b"), np.array([[0.0, 1], [1, 0]]), "")
    np.testing.assert_allclose(graph.normalized(), np.full((2, 2), 0.5), rtol=1e-15)
    assert (identity_graph(["a", "b", "c"]).normalized() == np.eye(3)).all()


def test_cooccurrence_by_hand():
    """a in 3 maps, b in 2, both in 1: 1 / (3 + 2 - 1). c never occurs; 255 counts for nothing."""
    maps = [np.array([[0, 1]]), np.array([[0, 255]]), np.array([[0, 0]]), np.array([[1, 255]], dtype=np.uint8)]
    graph = cooccurrence_graph(["a", "b", "c"], maps)
    assert graph.adjacency.tolist() == [[0, 0.25, 0], [0.25, 0, 0], [0, 0, 0]]
    assert graph.normalized()[2, 2] == 1


def test_cooccurrence_refuses_unknown_classes():
    with pytest.raises(ValueError, match="holds class 7, but there are 2 classes"):
        cooccurrence_graph(["a", "b"], [np.array([0, 7])])


def test_nothing_but_ignored_pixels_is_no_edge():
    assert cooccurrence_graph(["a", "b"], [np.array([255])]).edges == 0


@pytest.mark.parametrize(
    ("adjacency", "message"),
    [
        (np.zeros((2, 3)), "must be"),
        (np.array([[0.0, 1], [0, 0]]), "symmetric"),
        (np.eye(2), "zero diagonal"),
        (np.array([[0.0, -1], [-1, 0]]), "non-negative"),
        (np.array([[0.0, np.inf], [np.inf, 0]]), "finite"),
    ],
)
def test_impossible_adjacencies_are_refused(adjacency, message):
    with pytest.raises(ValueError, match=message):
        KnowledgeGraph(("a", "b"), adjacency, "")


def test_unknown_names_list_the_known():
    with pytest.raises(ValueError, match="known: cityscapes, voc2012"):
        shipped_graph("ade20k")


def test_a_hierarchy_is_found_by_exactly_its_classes():
    for name, classes in (("cityscapes", cityscapes.CLASS_NAMES), ("voc2012", voc2012.CLASS_NAMES)):
        found = hierarchy_of(classes)
        assert found is not None
        assert found.names == shipped_graph(name).names
    assert hierarchy_of(cityscapes.CLASS_NAMES[:-1]) is None
    assert hierarchy_of(cityscapes.CLASS_NAMES[::-1]) is None
    assert hierarchy_of(()) is None
    assert shipped_graph("cityscapes").classes == tuple(cityscapes.CLASS_NAMES)
    assert identity_graph(["a", "b"]).classes == ("a", "b")
