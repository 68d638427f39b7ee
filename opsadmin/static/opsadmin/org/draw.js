// A layout becomes SVG: text that is put into the page at once, which is far quicker than making elements.
import { cut, escape, fill, widthOf } from "./text.js";

const PAD = 12;
const SEATS = 6;
const SMALL = 12;

const attribute = (name, value) => (value === undefined || value === null || value === false ? "" : ` ${name}="${escape(value)}"`);
const text = (kind, x, y, words, anchor) => `<text class="${kind}" x="${x}" y="${y}"${attribute("text-anchor", anchor)}>${escape(words)}</text>`;

// What stands at the right of the first line: people and plan, and its colour.
export const countOf = (node, words) => {
  if (node.plan_words) return [`${node.filled}/${node.plan_words}`, node.short ? "sg" : "m"];
  const filled = node.filled + (node.unplanned_filled ?? 0);
  return filled ? [`${filled}/${words.unplanned_short}`, "m"] : [words.unplanned, "m"];
};

// One small rectangle per place of the plan: f filled, e short, o open, u filled without a plan.
const seatsOf = (node) => {
  if (node.kind === "company" || (node.kind === "department" && node.grouping)) return [];
  const filled = node.filled + (node.unplanned_filled ?? 0);
  if (!node.plan_words) return filled <= SEATS ? Array(filled).fill("u") : [];
  const all = Math.max(node.plan_max ?? 0, node.plan_min ?? 0, node.filled);
  if (all > SEATS) return [];
  return [...Array(node.filled).fill(""), ...Array(node.short).fill("e"), ...Array(node.open).fill("o")].slice(0, SEATS);
};

const seat = (kind, x) => (kind
  ? `<rect class="seat ${kind}" x="${x + 0.5}" y="12.5" width="5" height="9" rx="1"/>`
  : `<rect class="seat" x="${x}" y="12" width="6" height="10" rx="1"/>`);

const marked = { concurrent: "mark_concurrent", seconded: "mark_seconded", acting: "mark_acting" };

// 客服甲、客服乙、客服丙 → 客服甲、乙、丙: what many names begin with is said once.
export const namesOf = (node) => {
  const names = node.holders?.map((holder) => holder.name) ?? [];
  const start = names[0]?.slice(0, -1);
  const alike = names.length > 2 && start.length > 1 && names.every((name) => name.length === start.length + 1 && name.startsWith(start));
  return names.map((name, index) => (alike && index ? name.slice(-1) : name)).join("、");
};
export const marksOf = (node) => [...new Set(node.holders?.map((holder) => holder.kind) ?? [])].filter((kind) => marked[kind]);

// The words of the second line where nobody is named.
export const secondLine = (node, words) => {
  const names = namesOf(node);
  if (names) return [names, "h"];
  if (node.kind === "company") return [fill(words.posts, { n: node.posts }), "m"];
  if (node.kind === "department") {
    if (node.head_title) return [node.head_title, "h"];
    if (node.cloneable) return [words.cloneable, "m"];
    if (!node.posts) return [node.supporting ? words.supporting : words.business, "m"];
    return [words.no_head, "m"];
  }
  if (node.vacant_days !== null && node.vacant_days !== undefined) return [fill(words.vacant_days, { n: node.vacant_days }), "m"];
  return [node.short ? words.vacant : words.nobody, "m"];
};

const chip = (words, kind, textKind) => ({ words, kind, textKind, width: widthOf(words, SMALL) + 11 });

// What is said on a card beside its names, the most important last: that one stands at the edge.
export const chipsOf = (node, words, hidden, advised) => {
  const chips = [];
  if (node.status === "planned") chips.push(chip(words.planned, "in", "h"));
  if (node.guessed && !node.short && !node.tentative) chips.push(chip(words.guessed, "in", "h"));
  if (node.tentative) chips.push(chip(words.tentative, "ds", "h"));
  if (node.dotted?.length) chips.push(chip(`${words.two_superiors} ▲`, "wn", "wn"));
  if (node.kind === "position" && node.span > advised) chips.push(chip(`${fill(words.direct, { n: node.span })} ▲`, "wn", "wn"));
  else if (node.root && node.span) chips.push(chip(fill(words.direct, { n: node.span }), "in", "h"));
  if (node.kind === "department" && !node.posts) chips.push(chip(words.no_posts, "in", "h"));
  else if (node.kind === "department" && !node.grouping && !node.short && !node.tentative) chips.push(chip(fill(words.posts, { n: node.posts }), "in", "h"));
  if (node.kind !== "position" && node.open) chips.push(chip(fill(words.open, { n: node.open }), "in", "h"));
  if (node.short) chips.push(chip(fill(words.short, { n: node.short }), "sg", "sg"));
  if (node.broken) chips.push(chip(words.circle, "bl", "bl"));
  if (node.mark) chips.push(chip(words[`mark_${node.mark}`], "solid", "on"));
  if (hidden) chips.push({ ...chip(`+${hidden}`, "solid", "on"), opens: true });
  return chips;
};

const chipAt = ({ words, kind, textKind, width, opens }, x) => {
  const drawn = `<rect class="pill ${kind}" x="${x + 0.5}" y="31.5" width="${width}" height="17" rx="${opens ? 8.5 : 4}"/>${text(textKind, x + width / 2 + 0.5, 44.5, words, "middle")}`;
  return opens ? `<g class="more" data-open="">${drawn}</g>` : drawn;
};

const markAt = (kind, x, words) => {
  const [pill, letter] = kind === "seconded" ? ["ds", "h"] : ["ac", "ac"];
  return `<rect class="pill ${pill}" x="${x + 0.5}" y="32.5" width="16" height="15" rx="3"/>${text(letter, x + 8.5, 44.2, words[marked[kind]], "middle")}`;
};

const frameOf = (node, state) => [
  "node",
  node.kind === "department" && node.grouping ? "grp" : "",
  node.short && !(node.kind === "department" && node.grouping) ? "short" : "",
  node.tentative ? "tent" : "",
  node.broken ? "bad" : "",
  node.mark ? "new" : "",
  state.selected === node.id ? "sel" : "",
  state.hits?.has(node.id) ? "hit" : "",
].filter(Boolean).join(" ");

// "推广，编制 1，在岗 0，缺 1，市场推广主管甲 兼任"
export const spoken = (node, words) => {
  const parts = [node.title];
  if (node.plan_words) parts.push(`${words.plan} ${node.plan_words}`);
  else parts.push(words.unplanned);
  parts.push(`${words.filled} ${node.filled + (node.unplanned_filled ?? 0)}`);
  if (node.short) parts.push(fill(words.short, { n: node.short }));
  for (const holder of node.holders ?? []) parts.push(holder.kind === "primary" ? holder.name : `${holder.name} ${words[holder.kind]}`);
  if (node.tentative) parts.push(words.tentative);
  if (node.guessed) parts.push(words.guessed);
  if (node.broken) parts.push(words.circle);
  return parts.join("，");
};

const firstLine = (node, width, words) => {
  const [count, kind] = countOf(node, words);
  let right = width - PAD - widthOf(count, SMALL);
  let drawn = text(kind, width - PAD, 22, count, "end");
  const seats = seatsOf(node);
  const room = right - PAD - widthOf(node.title, 13) - 10;
  if (seats.length && room >= seats.length * 8) {
    right -= 6 + seats.length * 8;
    drawn += seats.map((one, index) => seat(one, right + index * 8)).join("");
  }
  return `${drawn}${text("t", PAD, 22, cut(node.title, 13.4, right - PAD - 6))}`;
};

const lastLine = (node, width, words, state) => {
  let right = width - PAD + 2;
  let drawn = "";
  const chips = chipsOf(node, words, state.hidden, state.advised);
  const [line, kind] = secondLine(node, words);
  const need = Math.min(widthOf(line, SMALL), 48);
  for (const one of chips.reverse()) {
    if (right - one.width - PAD < need && drawn) break;
    right -= one.width;
    drawn += chipAt(one, right);
    right -= 4;
  }
  const marks = marksOf(node);
  const shown = cut(line, SMALL, right - PAD - marks.length * 18 - 2);
  drawn += text(kind, PAD, 44, shown);
  const start = PAD + widthOf(shown, SMALL) + 4;
  return drawn + marks.map((mark, index) => markAt(mark, start + index * 18, words)).join("");
};

// state: {selected, hits, hidden, advised, expanded, current}
export const cardSvg = (node, box, words, state) => {
  const named = [node.title, ...(node.holders ?? []).map((holder) => holder.name), node.plan_note].filter(Boolean).join(" · ");
  const hatch = node.tentative ? `<rect class="hatch" x="1" y="1" width="${box.w - 2}" height="${box.h - 2}" rx="5" fill="url(#hx)"/>` : "";
  const ring = state.hits?.has(node.id) ? `<rect class="ring" x="-3.5" y="-3.5" width="${box.w + 7}" height="${box.h + 7}" rx="9"/>` : "";
  return `<g class="${frameOf(node, state)}" transform="translate(${box.x} ${box.y})" role="treeitem" tabindex="${state.current === node.id ? 0 : -1}"`
    + `${attribute("aria-level", box.level)}${attribute("aria-expanded", state.expanded)}${attribute("aria-selected", state.selected === node.id ? "true" : undefined)} aria-label="${escape(spoken(node, words))}" data-card="${escape(node.id)}">`
    + `<title>${escape(named)}</title><rect class="box" x=".5" y=".5" width="${box.w - 1}" height="${box.h - 1}" rx="6"/>${hatch}${ring}`
    + `${firstLine(node, box.w, words)}${lastLine(node, box.w, words, state)}</g>`;
};

const moreSvg = (box, words, current) => {
  const label = `+${box.more.length}`;
  return `<g class="node rest" transform="translate(${box.x} ${box.y})" role="treeitem" tabindex="${current === box.id ? 0 : -1}" aria-level="${box.level}" aria-label="${escape(fill(words.more, { n: box.more.length }))}" data-card="${escape(box.id)}">`
    + `<rect class="box" x=".5" y=".5" width="${box.w - 1}" height="${box.h - 1}" rx="6"/>${text("ac", box.w / 2, 33, label, "middle")}</g>`;
};

const HATCH = '<defs><pattern id="hx" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hl" x1="0" y1="0" x2="0" y2="7"/></pattern></defs>';

const stubSvg = (stub, words, outside) => {
  const label = `↑ ${fill(words.superior, { title: outside.above.title })} · ${fill(words.outside, { n: outside.count })}`;
  const width = widthOf(label, SMALL) + 24;
  return `<g class="stub" role="button" tabindex="0" data-up="" aria-label="${escape(label)}"><path class="lk dash" d="M${Math.round(stub.x) + 0.5} 44V62"/>`
    + `<rect class="box" x="${stub.x - width / 2}" y="19.5" width="${width}" height="24" rx="12"/>${text("h", stub.x, 36, label, "middle")}</g>`;
};

const linkSvg = ({ d, dashed, from, to }, node) => `<path class="lk${dashed || node(to)?.tentative ? " dash" : ""}${node(to)?.mark ? " new" : ""}" d="${d}" data-from="${escape(from ?? "")}"/>`;

// The inside of the <svg>: definitions, lines, cards. of(id) gives a card's node, state(id) how it looks now.
export const chartSvg = (drawing, { of, state, words, outside, label }) => HATCH
  + '<g data-world="">'
  + `<g class="links" aria-hidden="true">${drawing.links.map((link) => linkSvg(link, of)).join("")}</g>`
  + (drawing.stub && outside?.above ? stubSvg(drawing.stub, words, outside) : "")
  + `<g role="tree" aria-label="${escape(label)}">${drawing.boxes.map((box) => (box.more ? moreSvg(box, words, state(box.id).current) : cardSvg(of(box.id), box, words, state(box.id)))).join("")}</g>`
  + "</g>";
