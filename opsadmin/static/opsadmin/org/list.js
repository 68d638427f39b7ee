// The same cards as rows: for a phone, and wherever a chart cannot be drawn or read.
import { countOf, marksOf, secondLine, spoken } from "./draw.js";
import { escape, fill } from "./text.js";

const markHtml = (kind, words) => `<span class="og-mk ${kind === "seconded" ? "jie" : "jian"}" title="${escape(words[kind])}">${escape(words[`mark_${kind}`])}</span>`;

const tagsOf = (node, words, advised) => {
  const tags = [];
  if (node.broken) tags.push(["block", words.circle]);
  if (node.short) tags.push(["sign", fill(words.short, { n: node.short })]);
  if (node.kind === "position" && node.span > advised) tags.push(["warn", fill(words.direct, { n: node.span })]);
  if (node.tentative) tags.push(["dash", words.tentative]);
  return tags.map(([kind, text]) => `<span class="og-tag ${kind}">${escape(text)}</span>`).join("");
};

const rowHtml = (model, id, level, words, state) => {
  const node = model.of(id);
  const [count, kind] = countOf(node, words);
  const [line] = secondLine(node, words);
  const parts = [escape(line), node.guessed ? escape(words.guessed) : "", node.below && !model.isOpen(id) ? escape(fill(words.people_below, { n: node.below })) : ""];
  const css = ["og-li", `l${Math.min(level, 4)}`, node.grouping ? "grp" : "", node.short && !node.grouping ? "short" : "", node.tentative ? "tent" : "", state.hits?.has(id) ? "hit" : "", state.selected === id ? "sel" : ""];
  const open = model.expanded(id);
  return `<li class="${css.filter(Boolean).join(" ")}" role="treeitem" tabindex="${state.current === id ? 0 : -1}" aria-level="${level + 1}"${open ? ` aria-expanded="${open}"` : ""} aria-label="${escape(spoken(node, words))}" data-card="${escape(id)}">`
    + `<span class="tw"${open ? " data-open" : ""} aria-hidden="true">${open ? `<svg class="op-i"><use href="#i-${open === "true" ? "chev" : "chevr"}"/></svg>` : ""}</span>`
    + `<span class="bd"><b>${escape(node.title)}</b><small>${parts.filter(Boolean).join(" · ")} ${marksOf(node).map((mark) => markHtml(mark, words)).join("")}</small></span>`
    + `<span class="ct"><span class="${kind === "sg" ? "og-t-sign" : "op-muted"}">${escape(count)}</span><br>${tagsOf(node, words, model.advised)}</span></li>`;
};

export const listHtml = (model, words, state) => {
  const rows = [];
  const walk = (id, level) => {
    rows.push(rowHtml(model, id, level, words, state));
    if (model.isOpen(id)) model.kidsOf(id).forEach((kid) => walk(kid, level + 1));
  };
  walk(model.root, 0);
  return rows.join("");
};
