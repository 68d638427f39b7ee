"""Promotion and rotation: which positions lead where. Pure: links in, a drawing in layers out."""

from collections import defaultdict
from dataclasses import dataclass, field

from orgchart.models import LinkKind

KINDS = (LinkKind.PROMOTES_TO, LinkKind.ROTATES_TO)
MOST_STEPS = 4
CARD, HEIGHT, GAP_X, GAP_Y, EDGE = 184, 44, 96, 14, 28


@dataclass
class Paths:
    """``layers`` are lists of nodes from left to right; ``edges`` are (from, to, kind, loop)."""

    layers: list = field(default_factory=list)
    edges: list = field(default_factory=list)
    dead_ends: set = field(default_factory=set)
    loops: set = field(default_factory=set)


def target_of(link):
    """Return the node that a link goes to; a name that is no position stands behind a question mark."""
    return link["to"] or f"?{link['to_label']}"


def next_from(links, kinds=KINDS):
    found = defaultdict(list)
    for link in links.values():
        if link["kind"] in kinds and (link["kind"], target_of(link)) not in found[link["from"]]:
            found[link["from"]].append((link["kind"], target_of(link)))
    return found


def paths_from(links, start, kinds=KINDS, steps=MOST_STEPS):
    """Return where one can come from a position in a few steps. A link back to an earlier layer is a loop."""
    following = next_from(links, kinds)
    made, layer_of, row = Paths(layers=[[start]]), {start: 0}, [start]
    for step in range(1, steps + 1):
        coming = []
        for node in row:
            for _kind, target in following.get(node, ()):
                if target not in layer_of:
                    layer_of[target] = step
                    coming.append(target)
        if not coming:
            break
        made.layers.append(coming)
        row = coming
    for node in layer_of:
        for kind, target in following.get(node, ()):
            if target in layer_of:
                made.edges.append((node, target, kind, layer_of[target] <= layer_of[node]))
    made.dead_ends = {node for node in layer_of if not node.startswith("?") and not promoted(following, node)}
    made.loops = {
        node
        for node, target, _kind, _loop in made.edges
        if target == node or reaches(following, target, node)
    }
    return made


def promoted(following, node):
    return any(kind == LinkKind.PROMOTES_TO for kind, _target in following.get(node, ()))


def reaches(following, start, goal):
    """Whether promotion alone leads from one position back to another."""
    seen, waiting = set(), [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        if node in seen:
            continue
        seen.add(node)
        waiting += [target for kind, target in following.get(node, ()) if kind == LinkKind.PROMOTES_TO]
    return False


def overview(links, positions):
    """Return {dead ends, loops, missing targets with who names them} of the whole organisation, for lists."""
    following = next_from(links)
    missing = defaultdict(list)
    for node, targets in following.items():
        for _kind, target in targets:
            if target.startswith("?"):
                missing[target[1:]].append(node)
    promotions = next_from(links, (LinkKind.PROMOTES_TO,))
    return {
        "dead_ends": [code for code in positions if not promotions.get(code)],
        "loops": [
            code
            for code in positions
            if any(reaches(following, target, code) for _k, target in promotions.get(code, ()))
        ],
        "missing": dict(sorted(missing.items())),
    }


def drawing(paths, title_of):
    """Return the boxes and lines of a drawing as plain numbers: layers stand beside each other."""
    place, boxes = {}, []
    height = max(len(layer) for layer in paths.layers) * (HEIGHT + GAP_Y) - GAP_Y
    for index, layer in enumerate(paths.layers):
        top = EDGE + (height - len(layer) * (HEIGHT + GAP_Y) + GAP_Y) / 2
        for row, node in enumerate(layer):
            x, y = EDGE + index * (CARD + GAP_X), round(top + row * (HEIGHT + GAP_Y))
            place[node] = (x, y)
            boxes.append(box_of(paths, node, x, y, title_of, index == 0))
    lines = [line_of(place, edge) for edge in paths.edges]
    return {
        "width": 2 * EDGE + len(paths.layers) * (CARD + GAP_X) - GAP_X + 40,
        "height": height + 2 * EDGE,
        "boxes": boxes,
        "lines": lines,
    }


def box_of(paths, node, x, y, title_of, first):
    missing = node.startswith("?")
    return {
        "code": "" if missing else node,
        "title": node[1:] if missing else title_of(node),
        "x": x,
        "y": y,
        "missing": missing,
        "dead_end": node in paths.dead_ends,
        "loop": node in paths.loops,
        "first": first,
    }


def line_of(place, edge):
    """Return one link: forward as a curve between cards, back and sideways as a bow at the right of both."""
    node, target, kind, loop = edge
    (x1, y1), (x2, y2) = place[node], place[target]
    y1, y2 = y1 + HEIGHT / 2, y2 + HEIGHT / 2
    if loop:
        reach = max(x1, x2) + CARD + 24
        path = f"M{x1 + CARD} {y1}C{reach} {y1} {reach} {y2} {x2 + CARD} {y2}"
    else:
        middle = (x1 + CARD + x2) / 2
        path = f"M{x1 + CARD} {y1}C{middle} {y1} {middle} {y2} {x2 - 4} {y2}"
    return {"d": path, "kind": str(kind), "loop": loop, "missing": target.startswith("?")}
