// The organisation chart: loads a view, draws it, and lets one walk about in it. Changing it is edit.js.
import { chartSvg } from "./draw.js";
import { layout } from "./layout.js";
import { listHtml } from "./list.js";
import { Model } from "./model.js";
import { nearest, stops, stripSvg } from "./strip.js";
import { escape, fill } from "./text.js";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const box = $("[data-chart]");
const urls = box.dataset;
export const setup = JSON.parse($("#og-setup").textContent);
export const { words } = setup;
const narrow = matchMedia("(max-width: 1023px)");
const draw = $("[data-draw]");
const svg = $("[data-svg]");
const panel = $("[data-panel]");
const list = $("[data-list]");

// What the address says, and what is on the screen.
const asked = new URLSearchParams(location.search);
export const view = {
  root: asked.get("root") ?? "", lens: asked.get("lens") ?? "positions", depth: asked.get("depth") ?? "2",
  on: asked.get("on") ?? "", model: null, drawing: null, selected: null, current: null, hits: [], hit: -1, zoom: 1, x: 0, y: 0,
};
const listening = [];
export const whenDrawn = (act) => listening.push(act);

const query = (more = {}) => {
  const all = { lens: view.lens, root: view.root, depth: view.depth, on: view.on, set: setup.set ?? "", ...more };
  return new URLSearchParams(Object.entries(all).filter(([, value]) => value !== ""));
};

const fetchJson = async (address, more) => {
  const answer = await fetch(`${address}?${query(more)}`, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw Object.assign(new Error("no answer"), { refused: said.refused });
  }
  return answer.json();
};

// ── states ───────────────────────────────────────────────
const skeleton = () => {
  const boxes = [[194, 16], ...[20, 136, 252, 368].flatMap((x) => [[x, 92], [x, 140]])];
  return `<svg width="496" height="188" role="img" aria-label="${escape(fill(words.loading, { v: "" }))}">${boxes.map(([x, y]) => `<rect class="og-b-bg" x="${x}" y="${y}" width="${y === 16 ? 108 : 100}" height="36" rx="6"/>`).join("")}</svg>`;
};
const stateBox = $("[data-state]");
const showState = (html) => { stateBox.innerHTML = html; stateBox.hidden = !html; };
const failed = (error) => {
  showState(`<span class="og-tag block">${escape(words.f_failed)}</span><b>${escape(words.failed)}</b>${error.refused ? `<p class="op-muted">${escape(error.refused)}</p>` : ""}<div class="op-row"><button class="op-btn" type="button" data-as-list>${escape(words.as_list)}</button><button class="op-btn op-btn-primary" type="button" data-again>${escape(words.again)}</button></div>`);
  console.warn(error);
};
stateBox.addEventListener("click", (event) => {
  if (event.target.closest("[data-again]")) load();
  if (event.target.closest("[data-as-list]")) { showState(""); asList = true; render(); }
});

// ── loading ──────────────────────────────────────────────
let asList = false;
let turn = 0;
export const load = async ({ keep = false } = {}) => {
  const mine = ++turn;
  const slow = setTimeout(() => { draw.classList.add("is-dim"); if (!view.model) showState(skeleton()); }, 300);
  try {
    const data = await fetchJson(urls.data);
    if (mine !== turn) return;
    const before = keep ? view.model : null;
    view.model = new Model(data, setup.advised);
    if (before) await reopen(before);
    if (!view.model.of(view.current)) view.current = view.model.root;
    if (!view.model.of(view.selected)) closePanel();
    showState("");
    render();
    if (!keep) settle();
    remember();
  } catch (error) {
    if (mine === turn) failed(error);
  } finally {
    clearTimeout(slow);
    if (mine === turn) draw.classList.remove("is-dim");
  }
};

const reopen = async (before) => {
  for (const id of before.opened) if (view.model.of(id)?.children) await open(id, false);
  for (const id of before.closed) if (view.model.of(id)) view.model.closed.add(id);
};

const remember = () => {
  const keep = query();
  if (view.lens === "positions") keep.delete("lens");
  history.replaceState(null, "", `${urls.self}${keep.size ? `?${keep}` : ""}`);
  $$("[data-file]").forEach((link) => { link.href = `${link.dataset.file}?${query()}`; });
  const back = $("[data-back]");
  if (back) back.value = keep.toString();
};

export const open = async (id, redraw = true) => {
  const { model } = view;
  model.closed.delete(id);
  if (!model.loaded(id)) {
    try {
      model.add((await fetchJson(urls.below, { root: id })).nodes);
    } catch (error) { failed(error); return; }
    model.opened.add(id);
  }
  if (redraw) render();
};

const close = (id) => { view.model.closed.add(id); render(); };

// ── drawing ──────────────────────────────────────────────
const wholeStacks = new Set();
const stateOf = (id) => ({
  selected: view.selected, hits: view.hitIds, hidden: view.model.hidden(id), advised: setup.advised,
  expanded: view.model.of(id) ? view.model.expanded(id) : undefined, current: view.current,
});

export const drawingOf = (model, whole = false) => layout(model.tree(), {
  width: draw.clientWidth || 1120, depth: Number(view.depth) || 0, panel: !panel.hidden, stub: Boolean(model.outside.above),
  whole: whole || wholeStacks.size > 0,
});

export const labelOf = (drawing) => fill(words.chart_of, { title: view.model.of(view.model.root).title, n: drawing.boxes.length });

const renderChart = () => {
  const { model } = view;
  view.drawing = drawingOf(model);
  svg.innerHTML = chartSvg(view.drawing, { of: (id) => model.of(id), state: stateOf, words, outside: model.outside, label: labelOf(view.drawing) });
  svg.setAttribute("width", draw.clientWidth);
  svg.setAttribute("height", draw.clientHeight);
  pan();
};

export const render = () => {
  const rows = asList || narrow.matches;
  // Drawing anew replaces the cards; whoever was on one stays on it.
  const held = document.activeElement?.closest("[data-card]")?.dataset.card;
  box.classList.toggle("is-list", rows);
  list.hidden = !rows;
  view.hitIds = new Set(view.hits.map((hit) => hit.id));
  try {
    if (rows) list.innerHTML = listHtml(view.model, words, { selected: view.selected, current: view.current, hits: view.hitIds });
    else renderChart();
  } catch (error) { failed(error); return; }
  if (rows) { list.setAttribute("role", "tree"); list.setAttribute("aria-label", view.model.of(view.model.root).title); }
  if (!view.model.of(view.model.root).children && view.model.root === "c:") empty();
  renderAround();
  listening.forEach((act) => act());
  if (held) cardAt(held)?.focus({ preventScroll: true });
};

const empty = () => showState(`<b>${escape(words.empty)}</b><p class="op-muted">${escape(words.empty_how)}</p>`);

const figure = (label, value, tone = "") => `<span class="${tone}">${escape(label)}<b>${escape(value)}</b></span>`;

const figuresHtml = (f, lens) => {
  const shown = [];
  if (lens === "departments") shown.push(figure(words.f_departments, f.departments), figure(words.f_groups, f.groups));
  shown.push(figure(words.f_plan, f.plan_words || "0"), figure(words.f_filled, f.filled));
  shown.push(figure(words.f_short, f.short, f.short ? "og-t-sign" : ""), figure(words.f_open, f.open));
  if (f.unplanned) shown.push(figure(words.f_unplanned, f.unplanned, "og-t-warn"));
  if (f.unplanned_filled) shown.push(figure(words.f_unplanned_filled, f.unplanned_filled, "og-t-warn"));
  if (lens === "departments") return [...shown, figure(words.f_supporting, f.supporting), figure(words.f_cloneable, f.cloneable)].join("");
  if (f.concurrent) shown.push(figure(words.f_concurrent, f.concurrent));
  if (f.seconded) shown.push(figure(words.f_seconded, f.seconded));
  shown.push(figure(words.f_layers, f.layers));
  const wide = f.span_max > setup.advised;
  shown.push(figure(words.f_span, wide ? fill(words.f_span_words, { n: f.span_max, m: setup.advised }) : f.span_max, wide ? "og-t-warn" : ""));
  return shown.join("");
};

const renderAround = () => {
  const { model } = view;
  const path = model.path.filter((one, index, all) => index === 0 || one.title !== all[index - 1].title);
  $("[data-crumbs]").innerHTML = path.map((one, index) => (index === path.length - 1
    ? `<span class="cur" aria-current="true">${escape(one.title)}</span>`
    : `<a href="?${query({ root: one.id })}" data-root="${escape(one.id)}">${escape(one.title)}</a><svg class="op-i" aria-hidden="true"><use href="#i-chevr"/></svg>`)).join("");
  if (!box.classList.contains("is-editing") || !$("[data-figures]").dataset.own) $("[data-figures]").innerHTML = figuresHtml(model.figures, model.lens);
  $$("[data-lens]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.lens === model.lens)));
  $$("[data-depth]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.depth === view.depth)));
  const day = $("[data-day]");
  if (day) day.value = model.on;
  renderNote();
  renderStrip();
};

const renderNote = () => {
  const { model } = view;
  const notes = [];
  if (model.on !== setup.today && !setup.set) notes.push(fill(words.other_day, { date: model.on }));
  if (model.lowered) notes.push(fill(words.lowered, { n: model.depth }));
  if (view.fitted) notes.push(fill(words.fitted, { n: view.fitted }));
  if (model.broken) notes.push(fill(words.broken, { n: model.broken }));
  const note = $("[data-note]");
  note.textContent = notes.join(" ");
  note.hidden = !notes.length;
  if (model.on !== setup.today && !setup.set) note.insertAdjacentHTML("beforeend", ` <a href="?${query({ on: "" })}">${escape(words.back_today)}</a>`);
};

// ── moving about ─────────────────────────────────────────
const limits = () => {
  const { drawing, zoom } = view;
  return [Math.min(0, draw.clientWidth - drawing.width * zoom), Math.min(0, draw.clientHeight - drawing.height * zoom)];
};

export const pan = () => {
  const [low, top] = limits();
  view.x = Math.max(low, Math.min(0, view.x));
  view.y = Math.max(top, Math.min(0, view.y));
  $("[data-world]", svg)?.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.zoom})`);
  clearTimeout(pan.later);
  pan.later = setTimeout(edges, 60);
};

const edges = () => {
  if (!view.drawing || narrow.matches) return;
  const left = view.drawing.boxes.filter((one) => (one.x + one.w) * view.zoom + view.x < 0).length;
  const right = view.drawing.boxes.filter((one) => one.x * view.zoom + view.x > draw.clientWidth).length;
  for (const [side, number] of [["left", left], ["right", right]]) {
    const button = $(`[data-edge=${side}]`);
    button.hidden = !number;
    button.textContent = side === "left" ? `‹ ${number}` : `${number} ›`;
    button.setAttribute("aria-label", fill(words.hidden, { n: number }));
  }
};
$$("[data-edge]").forEach((button) => button.addEventListener("click", () => {
  view.x += (button.dataset.edge === "left" ? 0.8 : -0.8) * draw.clientWidth;
  pan();
}));

// The root in the middle, the top at the top.
const settle = () => {
  if (!view.drawing) return;
  const root = view.drawing.boxes.find((one) => one.id === view.model.root);
  view.zoom = 1;
  view.x = draw.clientWidth / 2 - (root.x + root.w / 2);
  view.y = 0;
  pan();
};

export const reveal = (id) => {
  if (box.classList.contains("is-list")) { $(`[data-card="${CSS.escape(id)}"]`, list)?.scrollIntoView({ block: "nearest" }); return; }
  const one = view.drawing?.boxes.find((other) => other.id === id);
  if (!one) return;
  const left = one.x * view.zoom + view.x;
  const top = one.y * view.zoom + view.y;
  if (left < 16 || left + one.w * view.zoom > draw.clientWidth - 16) view.x -= left - draw.clientWidth / 2 + one.w / 2;
  if (top < 16 || top + one.h * view.zoom > draw.clientHeight - 16) view.y -= top - draw.clientHeight / 2;
  pan();
};

const zoomTo = (zoom, at = { x: draw.clientWidth / 2, y: draw.clientHeight / 2 }) => {
  const next = Math.max(0.3, Math.min(2, zoom));
  view.x = at.x - ((at.x - view.x) * next) / view.zoom;
  view.y = at.y - ((at.y - view.y) * next) / view.zoom;
  view.zoom = next;
  pan();
};

// Text never gets smaller than it is: where the drawing is too wide, fewer levels are shown.
const fit = async () => {
  view.zoom = 1;
  view.fitted = 0;
  for (let depth = Number(view.depth) || 3; depth >= 1; depth -= 1) {
    view.depth = String(depth);
    await load();
    if (view.drawing.width <= draw.clientWidth || depth === 1) { view.fitted = depth; break; }
  }
  renderNote();
};
$$("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
  if (button.dataset.zoom === "fit") fit();
  else zoomTo(view.zoom * (button.dataset.zoom === "in" ? 1.25 : 0.8));
}));
$("[data-full]").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : box.requestFullscreen()));
draw.addEventListener("wheel", (event) => {
  event.preventDefault();
  const here = draw.getBoundingClientRect();
  if (event.ctrlKey) { zoomTo(view.zoom * (event.deltaY < 0 ? 1.1 : 0.9), { x: event.clientX - here.x, y: event.clientY - here.y }); return; }
  view.x -= event.shiftKey ? event.deltaY : event.deltaX;
  view.y -= event.shiftKey ? 0 : event.deltaY;
  pan();
}, { passive: false });
svg.addEventListener("pointerdown", (event) => {
  if (event.target.closest("[data-card], [data-up]") || event.button) return;
  const from = { x: event.clientX - view.x, y: event.clientY - view.y };
  const move = (moved) => { view.x = moved.clientX - from.x; view.y = moved.clientY - from.y; pan(); };
  const stop = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", stop); draw.classList.remove("is-panning"); };
  draw.classList.add("is-panning");
  addEventListener("pointermove", move);
  addEventListener("pointerup", stop);
});
new ResizeObserver(() => { if (view.model) { render(); } }).observe(draw);
narrow.addEventListener("change", () => view.model && render());

// ── cards ────────────────────────────────────────────────
export const cardAt = (id) => $(`[data-card="${CSS.escape(id)}"]`, box.classList.contains("is-list") ? list : svg);

export const goTo = (id) => {
  const old = cardAt(view.current ?? "");
  old?.setAttribute("tabindex", "-1");
  view.current = id;
  const card = cardAt(id);
  card?.setAttribute("tabindex", "0");
  reveal(id);
  card?.focus({ preventScroll: true });
};

export const focusOn = (id) => { view.root = id === "c:" ? "" : id; view.fitted = 0; view.current = id; load(); };

const openPanel = async (id) => {
  view.selected = id;
  try {
    const answer = await fetch(`${urls.post}?${query({ id })}`, { credentials: "same-origin" });
    if (!answer.ok) throw new Error("");
    panel.innerHTML = await answer.text();
  } catch { closePanel(); return; }
  const first = panel.hidden;
  panel.hidden = false;
  box.classList.add("has-panel");
  render();
  if (first) reveal(id);
  goTo(id);
};

const closePanel = () => {
  view.selected = null;
  if (panel.hidden) return;
  panel.hidden = true;
  box.classList.remove("has-panel");
  if (view.model) render();
};

panel.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-panel]")) { const was = view.selected; closePanel(); goTo(was); }
  const here = event.target.closest("[data-focus-here]");
  if (here) { closePanel(); focusOn(here.dataset.focusHere); }
});

const toggle = (id) => (view.model.isOpen(id) ? close(id) : open(id));

const clicked = (event) => {
  if (event.target.closest("[data-up]")) { focusOn(view.model.outside.above.id); return; }
  const card = event.target.closest("[data-card]");
  if (!card || box.classList.contains("was-dragged")) return;
  const id = card.dataset.card;
  if (id.startsWith("+")) { wholeStacks.add(id); render(); return; }
  if (event.target.closest("[data-open]")) { toggle(id); view.current = id; return; }
  openPanel(id);
};
svg.addEventListener("click", clicked);
list.addEventListener("click", clicked);
svg.addEventListener("dblclick", (event) => { const card = event.target.closest("[data-card]"); if (card && !card.dataset.card.startsWith("+")) focusOn(card.dataset.card); });

// ── keys ─────────────────────────────────────────────────
const neighbours = (id) => {
  const { model } = view;
  const node = model.of(id);
  const beside = node && id !== model.root ? model.kidsOf(node.parent) : [id];
  const at = beside.indexOf(id);
  return { up: node?.parent, down: model.isOpen(id) ? model.kidsOf(id)[0] : null, before: beside[at - 1], after: beside[at + 1] };
};

// By where cards stand: the nearest one in that direction.
const towards = (id, dx, dy) => {
  const from = view.drawing?.boxes.find((one) => one.id === id);
  if (!from) return null;
  let best = null;
  let least = Infinity;
  for (const one of view.drawing.boxes) {
    const [x, y] = [one.x - from.x, one.y - from.y];
    const along = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along <= 20 || aside > along * 2 + 40) continue;
    if (along + aside * 2 < least) { least = along + aside * 2; best = one.id; }
  }
  return best;
};

const inList = (id, step) => {
  const rows = $$("[data-card]", list).map((row) => row.dataset.card);
  return rows[rows.indexOf(id) + step];
};

const keys = {
  ArrowLeft: (id) => (box.classList.contains("is-list") ? (view.model.isOpen(id) ? void close(id) : neighbours(id).up) : towards(id, -1, 0)),
  ArrowRight: (id) => (box.classList.contains("is-list") ? (!view.model.isOpen(id) && view.model.of(id).children ? void open(id) : neighbours(id).down) : towards(id, 1, 0)),
  ArrowUp: (id) => (box.classList.contains("is-list") ? inList(id, -1) : towards(id, 0, -1) ?? neighbours(id).up),
  ArrowDown: (id) => (box.classList.contains("is-list") ? inList(id, 1) : towards(id, 0, 1) ?? neighbours(id).down),
  Home: () => view.model.root,
  Enter: (id) => void (id.startsWith("+") ? (wholeStacks.add(id), render()) : openPanel(id)),
  "+": (id) => void open(id),
  "=": (id) => void open(id),
  "-": (id) => void close(id),
  f: (id) => void focusOn(id),
  Backspace: () => void (view.model.outside.above && focusOn(view.model.outside.above.id)),
  "[": () => void step(-1),
  "]": () => void step(1),
};
const pressed = (event) => {
  const card = event.target.closest("[data-card], [data-up]");
  if (!card || event.ctrlKey || event.metaKey || event.altKey || !view.model) return;
  if (card.matches("[data-up]")) { if (["Enter", " "].includes(event.key)) focusOn(view.model.outside.above.id); return; }
  const act = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  const next = act(card.dataset.card);
  if (typeof next === "string" && cardAt(next)) goTo(next);
  else if (["+", "=", "-"].includes(event.key)) setTimeout(() => goTo(card.dataset.card), 80);
};
svg.addEventListener("keydown", pressed);
list.addEventListener("keydown", pressed);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !panel.hidden && !$("dialog[open]") && !box.classList.contains("is-dragging")) { const was = view.selected; closePanel(); goTo(was); }
});

// ── lenses, depth, days ──────────────────────────────────
$$("[data-lens]").forEach((button) => button.addEventListener("click", () => {
  view.lens = button.dataset.lens;
  if (view.root && view.model) view.root = view.lens === "departments" && view.root.startsWith("p:") ? `d:${view.model.of(view.model.root).department}` : view.root;
  closePanel();
  load();
}));
$$("[data-depth]").forEach((button) => button.addEventListener("click", () => { view.depth = button.dataset.depth; view.fitted = 0; load(); }));
box.addEventListener("click", (event) => {
  const link = event.target.closest("[data-root]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  focusOn(link.dataset.root);
});
const showDay = (day) => { view.on = day === setup.today ? "" : day; load({ keep: true }); };
$("[data-day]")?.addEventListener("change", (event) => { if (event.target.value) showDay(event.target.value); });
const step = (by) => {
  const all = stops(setup.strip, setup.today);
  const at = all.filter((day) => day < view.model.on).length;
  const next = by < 0 ? all[at - 1] : all.find((day) => day > view.model.on);
  if (next && !setup.set) showDay(next);
};
const time = $("[data-time]");
const renderStrip = () => {
  if (!time || narrow.matches) return;
  time.innerHTML = stripSvg(setup.strip, { today: setup.today, shown: view.model.on, width: Math.max(320, time.clientWidth - 32), words });
};
time?.addEventListener("pointerdown", (event) => {
  const axis = $("svg", time);
  if (!axis || setup.set) return;
  const all = stops(setup.strip, setup.today);
  const dayAt = (moved) => nearest(all, setup.strip, setup.today, axis.clientWidth, moved.clientX - axis.getBoundingClientRect().x);
  const stop = (moved) => { removeEventListener("pointerup", stop); showDay(dayAt(moved)); };
  addEventListener("pointerup", stop);
});
time?.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) { event.preventDefault(); step(by); }
});

// ── search ───────────────────────────────────────────────
const field = $("[data-search-box]");
const count = $("[data-search-count]");
let searching = 0;
const search = async () => {
  const mine = ++searching;
  const q = field.value.trim();
  if (!q) { view.hits = []; count.textContent = ""; showState(""); render(); return; }
  const found = await fetchJson(urls.search, { q }).catch(() => null);
  if (mine !== searching || !found) return;
  Object.assign(view, { hits: found.hits, hit: -1, searched: q });
  if (!found.total) {
    count.textContent = "";
    render();
    showState(`<b>${escape(fill(words.no_hit, { q }))}</b><div class="op-row"><button class="op-btn" type="button" data-clear-search>${escape(words.clear)}</button></div>`);
    return;
  }
  showState("");
  await jump(1);
};
const jump = async (by) => {
  if (!view.hits.length) return;
  view.hit = (view.hit + by + view.hits.length) % view.hits.length;
  const one = view.hits[view.hit];
  const outside = view.hits.filter((hit) => !hit.inside).length;
  count.textContent = fill(words.hit, { i: view.hit + 1, n: view.hits.length });
  count.title = outside ? fill(words.hits_outside, { n: outside }) : "";
  if (!one.inside) { view.root = ""; await load(); view.hits.forEach((hit) => { hit.inside = true; }); }
  for (const id of one.path.slice(0, -1)) if (view.model.of(id) && !view.model.isOpen(id)) await open(id, false);
  if (one.path.length > 1) wholeStacks.add("search");
  render();
  const card = cardAt(one.id);
  if (card) { cardAt(view.current)?.setAttribute("tabindex", "-1"); view.current = one.id; card.setAttribute("tabindex", "0"); reveal(one.id); }
};
let typed;
field.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(search, 200); });
field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "Enter") { event.preventDefault(); if (view.searched === field.value.trim() && view.hits.length) jump(event.shiftKey ? -1 : 1); else search(); }
  if (event.key === "Escape") { field.value = ""; search(); }
});
stateBox.addEventListener("click", (event) => { if (event.target.closest("[data-clear-search]")) { field.value = ""; search(); field.focus(); } });

$$("[data-export]").forEach((button) => button.addEventListener("click", async () => {
  const { download } = await import("./exporting.js");
  download(button.dataset.export);
}));

addEventListener("load", () => window.op?.key("/", () => { field.focus(); field.select(); }));
await load();
// Not awaited: edit.js itself waits for this module.
if (setup.editing) import("./edit.js");
box.dataset.ready = "";
