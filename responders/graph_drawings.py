"""The graph as an SVG drawing: layers from left to right, the same graph always drawn the same.

Source   https://www.w3.org/TR/SVG2/
"""

from html import escape

from responders import graph_boxes
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
_HEADS = ("Identity", "Trusts, roles, attachments", "Clusters", "ServiceAccounts", "Who breaks")
_LEGEND = (
    ("suspicious", "may be planted"),
    ("breaks", "breaks until it is moved"),
    ("unknown", "could not be asked"),
)
_MOST_NODES = 400  # more boxes than that nobody scrolls through
_WIDTH, _GAP, _LINE, _PAD = 326, 80, 15, 9  # pixels: of a box, between layers, of a line, in a box
_MARGIN, _BETWEEN, _TOP = 24, 10, 84  # pixels: around all, between boxes, above the first box
_STYLE = """
svg { font: 12px system-ui, "Segoe UI", Roboto, sans-serif; } .page { fill: #fff; }
.node rect { fill: #f6f8fa; stroke: #8c959f; }
text { fill: #1f2328; } path { fill: none; stroke: #8c959f; stroke-opacity: .7; }
.kind, .detail, .said { fill: #57606a; } .kind { font-size: 10.5px; }
.name, .head { font-weight: 600; } .head { font-size: 13px; }
.why { fill: #a40e26; } .breaks text.breaks { fill: #8a3800; }
.breaks rect { stroke: #bc4c00; stroke-width: 2; } .unknown rect { stroke-dasharray: 5 4; stroke-width: 2; }
.suspicious rect { fill: #ffebe9; stroke: #cf222e; stroke-width: 3; } path.odd { stroke: #cf222e; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; } .node rect { fill: #161b22; stroke: #6e7681; }
text { fill: #e6edf3; } path { stroke: #6e7681; }
.kind, .detail, .said { fill: #9aa4af; } .why { fill: #ff9a94; } .breaks text.breaks { fill: #f2a96a; }
.breaks rect { stroke: #f0883e; } .suspicious rect { fill: #3c1618; stroke: #ff7b72; } path.odd { stroke: #ff7b72; } }
"""

_Boxes = dict[str, tuple[int, int, int]]  # of each node: left, top, height


def svg(graph: Graph) -> str:
    """A document of its own, without scripts and without anything to load. The whole text is in the tooltips."""
    small = folded(graph, _MOST_NODES)
    boxes = _placed(small)
    width = max(left for left, _, _ in boxes.values()) + _WIDTH + _MARGIN
    height = max(top + tall for _, top, tall in boxes.values()) + _MARGIN
    odd = {one["id"] for one in small["nodes"] if one["suspicious"]}
    drawn = [_heads({_LAYERS[one["kind"]] for one in small["nodes"]})]
    drawn += [_path(edge, boxes, is_odd=edge["target"] in odd) for edge in small["edges"]]
    drawn += [_box(one, boxes[one["id"]]) for one in small["nodes"]]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>Who breaks with this identity</title><style>{_STYLE}</style>\n'
        f'<rect class="page" width="{width}" height="{height}"/>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _placed(graph: Graph) -> _Boxes:
    """Layer by layer, each node beside the first one that it hangs on, or as near below as there is room."""
    first: dict[str, str] = {}
    for edge in graph["edges"]:
        first.setdefault(edge["target"], edge["source"])
    boxes: _Boxes = {}
    for layer in range(max(_LAYERS.values()) + 1):
        members = [one for one in graph["nodes"] if _LAYERS[one["kind"]] == layer]
        tops = {one["id"]: boxes.get(first.get(one["id"], ""), (0, 0, 0))[1] for one in members}
        members.sort(key=lambda one: tops[one["id"]])  # stable: ties stay in the graph's order
        bottom = _TOP
        for one in members:
            top = max(bottom, tops[one["id"]])
            tall = _LINE * len(graph_boxes.lines(one)) + 2 * _PAD
            boxes[one["id"]] = (_left(layer), top, tall)
            bottom = top + tall + _BETWEEN
    return boxes


def _left(layer: int) -> int:
    return _MARGIN + layer * (_WIDTH + _GAP)


def _heads(layers: set[int]) -> str:
    """What the colours mean, and what each column holds."""
    parts, left = [], _MARGIN
    for mark, said in _LEGEND:
        parts.append(
            f'<g class="node {mark}"><rect x="{left}" y="{_MARGIN - 6}" width="22" height="14" rx="3"/></g>'
            f'<text class="said" x="{left + 30}" y="{_MARGIN + 5}">{said}</text>'
        )
        left += 200
    parts += [
        f'<text class="head" x="{_left(one)}" y="{_TOP - 14}">{_HEADS[one]}</text>'
        for one in sorted(layers)
    ]
    return "".join(parts)


def _path(edge: Edge, boxes: _Boxes, *, is_odd: bool) -> str:
    """A curve from the right of one box to the left of the other; between two of one column it goes around."""
    left, top, tall = boxes[edge["source"]]
    to_left, to_top, to_tall = boxes[edge["target"]]
    x, y, to_y = left + _WIDTH, top + tall // 2, to_top + to_tall // 2
    middle = (x + to_left) // 2 if to_left > x else x + _GAP // 2
    to_x = to_left if to_left > x else to_left + _WIDTH
    title = f"<title>{_text(edge['label'])}</title>" if edge["label"] else ""
    mark = ' class="odd"' if is_odd else ""
    return f'<path{mark} d="M{x} {y}C{middle} {y} {middle} {to_y} {to_x} {to_y}">{title}</path>'


def _box(one: Node, place: tuple[int, int, int]) -> str:
    """A rectangle, and its lines in a window of their own that lets nothing out."""
    left, top, tall = place
    texts = "".join(
        f'<text class="{line.about}" x="{_PAD}" y="{_PAD + _LINE * number + 11}">{_text(line.text)}</text>'
        for number, line in enumerate(graph_boxes.lines(one))
    )
    size = f'x="{left}" y="{top}" width="{_WIDTH}" height="{tall}"'
    return (
        f'<g class="node {mark_of(one)}"><title>{_text(chr(10).join(lines_of(one)))}</title>'
        f'<rect {size} rx="6"/><svg {size}>{texts}</svg></g>'
    )


def _text(text: str) -> str:
    """Text and nothing else. XML has no place for U+FFFE and U+FFFF, not even as references."""
    return escape(visible(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))
