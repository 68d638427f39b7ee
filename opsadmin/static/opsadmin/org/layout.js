// Where cards and lines stand. Pure: a tree of cards and a width in, boxes and paths out; no browser needed.
//
// tree: {id, kids: [tree], dotted: [id]}. The node of the layout is a column: a head with the stack of those children
// that have no drawn children themselves, so that columns beside each other never overlap.

export const CARD = { height: 56, least: 176, usual: 184, wide: 204 };
const STACK = { indent: 16, step: 64, most: 8 };
const ROW = 52;
const BUS = 0.62;
const EDGE = { side: 28, top: 24, stub: 62, bottom: 32 };

const half = (number) => Math.round(number) + 0.5;
const isLeaf = (tree) => tree.kids.length === 0;

// The cards of a stack: more than eight become seven and a row that stands for the others.
const stacked = (leaves, owner) => (leaves.length <= STACK.most ? leaves : [
  ...leaves.slice(0, STACK.most - 1),
  { id: `+${owner}`, kids: [], more: leaves.slice(STACK.most - 1).map((leaf) => leaf.id) },
]);

const column = (tree, whole) => {
  const leaves = tree.kids.filter(isLeaf);
  return {
    head: tree,
    stack: whole ? leaves : stacked(leaves, tree.id),
    children: tree.kids.filter((kid) => !isLeaf(kid)).map((kid) => column(kid, whole)),
  };
};

const headless = (leaves, owner, whole) => ({ head: null, stack: whole ? leaves : stacked(leaves, owner), children: [] });

// Leaves alone stand beside each other as far as the width goes.
const spread = (leaves, owner, fitting, whole) => {
  if (leaves.length <= fitting) return leaves.map((leaf) => ({ head: leaf, stack: [], children: [] }));
  const rows = Math.ceil(leaves.length / fitting);
  const parts = [];
  for (let at = 0; at < leaves.length; at += rows) parts.push(headless(leaves.slice(at, at + rows), `${owner}${at}`, whole));
  return parts;
};

// The columns below the root, in order; leaves directly under it share one that has no head.
const columnsOf = (tree, fitting, whole) => {
  const leaves = tree.kids.filter(isLeaf);
  if (leaves.length === tree.kids.length) return spread(leaves, tree.id, fitting, whole);
  const columns = [];
  for (const kid of tree.kids) {
    if (!isLeaf(kid) || leaves.length === 1) columns.push(column(kid, whole));
    else if (kid === leaves[0]) columns.push(headless(leaves, tree.id, whole));
  }
  return columns;
};

const heightOf = ({ head, stack }) => (head ? CARD.height + stack.length * STACK.step : stack.length * STACK.step - 8);

// Cards get wider where there is room, and narrower where that shows one column more.
const cardWidth = (columns, { width, gap, wide }) => {
  const most = wide ? CARD.wide : CARD.usual;
  const room = Math.floor((width - EDGE.side - 12 + gap) / Math.max(columns, 1)) - gap - STACK.indent;
  return Math.max(CARD.least, Math.min(most, room < CARD.least ? CARD.usual : room));
};

const placed = (root, width, gap, d3) => {
  const tree = d3.hierarchy(root);
  d3.flextree({ nodeSize: ({ data }) => [
    (data.root ? width : width + STACK.indent) + gap,
    data.root ? CARD.height + ROW : heightOf(data) + ROW,
  ] })(tree);
  return tree;
};

// options: {width, depth, panel, stub, whole}; whole draws every stack to its end, for exports.
export const layout = (tree, options, d3 = globalThis.d3) => {
  const gap = options.depth === 2 ? 16 : 20;
  const fitting = Math.max(1, Math.floor((options.width - 2 * EDGE.side + gap) / (CARD.usual + STACK.indent + gap)));
  const root = { root: true, head: tree, stack: [], children: columnsOf(tree, fitting, options.whole) };
  const width = cardWidth(root.children.length, { width: options.width, gap, wide: options.depth === 2 && !options.panel });
  const nodes = placed(root, width, gap, d3);
  const top = options.stub ? EDGE.stub : EDGE.top;
  const drawing = { card: width, boxes: [], links: [], stub: null };
  const place = new Map();
  nodes.each((node) => placeColumn(node, { width, top, place, drawing }));
  settleRoot(nodes, place, width);
  shift(drawing, place, options.width);
  nodes.each((node) => linkColumn(node, { width, place, drawing }));
  dotted(tree, drawing);
  if (options.stub) drawing.stub = { x: place.get(nodes).x + width / 2, y: 20 };
  return drawing;
};

const placeColumn = (node, { width, top, place, drawing }) => {
  const { head, stack, root } = node.data;
  const size = root ? width : width + STACK.indent;
  const at = { x: Math.round(node.x - size / 2), y: Math.round(node.y + top), boxes: [] };
  place.set(node, at);
  const put = (tree, x, y) => {
    const box = { id: tree.id, x, y, w: width, h: CARD.height, level: node.depth + 1, more: tree.more };
    at.boxes.push(box);
    drawing.boxes.push(box);
  };
  if (head) put(head, at.x, at.y);
  stack.forEach((tree, index) => put(
    tree,
    at.x + (head ? STACK.indent : 0),
    at.y + (head ? STACK.step : 0) + index * STACK.step,
  ));
  at.boxes.forEach((box, index) => { if (index || !head) box.level += head ? 1 : 0; });
};

// The root stands over the middle of the first and the last card below it.
const settleRoot = (nodes, place, width) => {
  const below = nodes.children;
  if (!below?.length) return;
  const first = place.get(below[0]).x;
  const last = place.get(below[below.length - 1]).x;
  const at = place.get(nodes);
  at.x = Math.round((first + last) / 2);
  at.boxes[0].x = at.x;
  at.boxes[0].w = width;
};

// Everything to the right of the edge; in the middle of the canvas where it is narrower than that.
const shift = (drawing, place, width) => {
  let low = Infinity;
  let high = -Infinity;
  let bottom = 0;
  for (const box of drawing.boxes) {
    low = Math.min(low, box.x);
    high = Math.max(high, box.x + box.w);
    bottom = Math.max(bottom, box.y + box.h);
  }
  drawing.width = high - low + 2 * EDGE.side;
  drawing.height = bottom + EDGE.bottom;
  const by = EDGE.side - low + Math.max(0, Math.floor((width - drawing.width) / 2));
  drawing.width = Math.max(drawing.width, width);
  for (const box of drawing.boxes) box.x += by;
  for (const at of place.values()) at.x += by;
};

const line = (drawing, d, from, to) => drawing.links.push({ d, from, to });

const linkColumn = (node, { width, place, drawing }) => {
  const at = place.get(node);
  const { head, stack, root } = node.data;
  if (head && stack.length) hang(at, at.x + 7, at.y + CARD.height, at.boxes.slice(1), head.id, drawing);
  if (!node.children?.length) return;
  const bottom = at.y + (root ? CARD.height : heightOf(node.data));
  const bus = half(bottom + ROW * BUS);
  const from = stack.length ? half(at.x + 7) : half(at.x + width / 2);
  const stem = stack.length ? at.boxes[at.boxes.length - 1].y + CARD.height / 2 : bottom;
  line(drawing, `M${from} ${stem}V${bus}`, head.id, null);
  const ends = node.children.map((child) => drop(child, { width, place, drawing, bus, from: head.id }));
  const low = Math.min(from, ...ends);
  const high = Math.max(from, ...ends);
  if (high > low) line(drawing, `M${low} ${bus}H${high}`, head.id, null);
};

const drop = (child, { width, place, drawing, bus, from }) => {
  const at = place.get(child);
  if (child.data.head) {
    const x = half(at.x + width / 2);
    line(drawing, `M${x} ${bus}V${at.y}`, from, child.data.head.id);
    return x;
  }
  hang(at, at.x - 8, bus, at.boxes, from, drawing);
  return half(at.x - 8);
};

// A spine with an elbow to each card of a stack.
const hang = (at, x, top, boxes, from, drawing) => {
  const spine = half(x);
  for (const box of boxes) line(drawing, `M${spine} ${half(box.y + CARD.height / 2)}H${box.x}`, from, box.id);
  line(drawing, `M${spine} ${top}V${half(boxes[boxes.length - 1].y + CARD.height / 2)}`, from, null);
};

// Second superiors, each in a lane of its own at the right of both cards.
const dotted = (tree, drawing) => {
  const boxes = new Map(drawing.boxes.map((box) => [box.id, box]));
  let lane = 0;
  const walk = (one) => {
    for (const other of one.dotted ?? []) {
      const [a, b] = [boxes.get(one.id), boxes.get(other)];
      if (!a || !b) continue;
      const x = half(Math.max(a.x + a.w, b.x + b.w) + 4 + (lane % 3) * 4);
      lane += 1;
      const [from, to] = [half(a.y + a.h / 2), half(b.y + b.h / 2)];
      drawing.links.push({ d: `M${a.x + a.w} ${from}H${x}V${to}H${b.x + b.w}`, from: one.id, to: other, dashed: true });
    }
    one.kids.forEach(walk);
  };
  walk(tree);
};
