// The cards that have been loaded, which of them are opened, and the tree that is drawn of them.

export class Model {
  constructor(data, advised) {
    Object.assign(this, data);
    this.advised = advised;
    this.byId = new Map();
    this.opened = new Set();
    this.closed = new Set();
    this.add(data.nodes);
    this.level = new Map();
    this.measure(this.root, 0);
  }

  add(nodes) {
    for (const node of nodes) {
      node.grouping = this.lens === "positions" && node.kind === "department";
      node.root = node.id === this.root;
      this.byId.set(node.id, node);
    }
    this.kids = new Map();
    for (const node of this.byId.values()) {
      if (!this.kids.has(node.parent)) this.kids.set(node.parent, []);
      this.kids.get(node.parent).push(node.id);
    }
  }

  measure(id, level) {
    this.level.set(id, level);
    this.kidsOf(id).forEach((kid) => this.measure(kid, level + 1));
  }

  of(id) { return this.byId.get(id); }

  kidsOf(id) { return this.kids.get(id) ?? []; }

  loaded(id) { return this.kidsOf(id).length >= this.of(id).children; }

  // Whether the children of a card are drawn.
  isOpen(id) {
    if (this.closed.has(id) || !this.of(id)) return false;
    return this.loaded(id) && this.of(id).children > 0;
  }

  hidden(id) { return this.isOpen(id) ? 0 : this.of(id)?.below ?? 0; }

  expanded(id) { return this.of(id).children ? String(this.isOpen(id)) : undefined; }

  tree(id = this.root) {
    return {
      id,
      dotted: this.of(id).dotted,
      kids: this.isOpen(id) ? this.kidsOf(id).map((kid) => this.tree(kid)) : [],
    };
  }

  above(id) {
    const found = [];
    for (let node = this.of(id); node && node.id !== this.root; node = this.of(node.parent)) found.push(node.parent);
    return found;
  }

  isBelow(id, other) { return id === other || this.above(id).includes(other); }
}
