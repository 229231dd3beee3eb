"""The graph as an SVG drawing: layers from left to right, the same graph always drawn the same.

Source   https://www.w3.org/TR/SVG2/
"""

from html import escape

from responders.graph_folding import folded
from responders.graph_model import Edge, Graph, Node
from responders.graph_pages import lines_of, mark_of
from responders.untrusted import visible

_LAYERS = {
    "identity": 0,
    "federated credential": 1,
    "cluster": 2,
    "ServiceAccount": 3,
    "workload": 4,
    "consumer": 4,
    "attachment": 1,
    "resource": 1,
}
_MOST_NODES = 400  # more boxes than that nobody scrolls through
_WIDTH, _GAP, _LINE, _PAD = 300, 90, 15, 8  # pixels: of a box, between layers, of a line, in a box
_LONGEST = 44  # characters that fit into a box
_STYLE = """
svg { background: #fff; font: 12px system-ui, sans-serif; }
rect { fill: #f6f8fa; stroke: #57606a; } text { fill: #1f2328; } path { fill: none; stroke: #8c959f; }
.breaks rect { stroke: #bc4c00; stroke-width: 2; } .unknown rect { stroke-dasharray: 4 4; }
.suspicious rect { fill: #ffebe9; stroke: #cf222e; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; } rect { fill: #161b22; stroke: #8b949e; } text { fill: #e6edf3; }
path { stroke: #6e7681; } .breaks rect { stroke: #f0883e; }
.suspicious rect { fill: #3c1618; stroke: #ff7b72; } }
"""

_Boxes = dict[str, tuple[int, int, int]]  # of each node: left, top, height


def svg(graph: Graph) -> str:
    """A document of its own, without scripts and without anything to load. The whole text is in the tooltips."""
    small = folded(graph, _MOST_NODES)
    boxes = _placed(small)
    width = max(left for left, _, _ in boxes.values()) + _WIDTH + _GAP
    height = max(top + tall for _, top, tall in boxes.values()) + _GAP
    drawn = [_path(edge, boxes) for edge in small["edges"]]
    drawn += [_box(one, boxes[one["id"]]) for one in small["nodes"]]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>Who breaks with this identity</title><style>{_STYLE}</style>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _placed(graph: Graph) -> _Boxes:
    """Layer by layer, each node as near as can be to the first one that it hangs on."""
    first: dict[str, str] = {}
    for edge in graph["edges"]:
        first.setdefault(edge["target"], edge["source"])
    boxes: _Boxes = {}
    for layer in range(max(_LAYERS.values()) + 1):
        members = [one for one in graph["nodes"] if _LAYERS[one["kind"]] == layer]
        tops = {one["id"]: boxes.get(first.get(one["id"], ""), (0, 0, 0))[1] for one in members}
        members.sort(key=lambda one: tops[one["id"]])  # stable: ties stay in the graph's order
        bottom = _GAP // 2
        for one in members:
            tall = _LINE * len(lines_of(one)) + 2 * _PAD
            boxes[one["id"]] = (_GAP // 2 + layer * (_WIDTH + _GAP), bottom, tall)
            bottom += tall + _PAD
    return boxes


def _path(edge: Edge, boxes: _Boxes) -> str:
    """A curve from the right of one box to the left of the other."""
    left, top, tall = boxes[edge["source"]]
    to_left, to_top, to_tall = boxes[edge["target"]]
    x, y, to_y = left + _WIDTH, top + tall // 2, to_top + to_tall // 2
    middle = (x + to_left) // 2
    title = f"<title>{_text(edge['label'])}</title>" if edge["label"] else ""
    return f'<path d="M{x} {y}C{middle} {y} {middle} {to_y} {to_left} {to_y}">{title}</path>'


def _box(one: Node, place: tuple[int, int, int]) -> str:
    left, top, tall = place
    lines = lines_of(one)
    texts = "".join(
        f'<text x="{left + _PAD}" y="{top + _PAD + _LINE * number + 11}">{_text(_cut(line))}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<g class="{mark_of(one)}"><title>{_text(chr(10).join(lines))}</title>'
        f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{tall}" rx="6"/>{texts}</g>'
    )


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _text(text: str) -> str:
    """Text and nothing else. XML has no place for U+FFFE and U+FFFF, not even as references."""
    return escape(visible(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))
