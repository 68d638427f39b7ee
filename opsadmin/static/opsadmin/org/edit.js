// Changing a draft from the chart: drag, "move to…" by keyboard, the tray. The live organisation never changes here,
// and the server judges every drop again.
import { cardAt, goTo, load, render, setup, view, whenDrawn, words } from "./chart.js";
import { escape, fill } from "./text.js";

const $ = (selector, root = document) => root.querySelector(selector);
const box = $("[data-chart]");
const svg = $("[data-svg]");
const draw = $("[data-draw]");
const trayBox = $("[data-tray-box]");
const hint = $("[data-drag-card]");
const urls = box.dataset;
let tray = null;
const undone = [];

// ── what a move means ────────────────────────────────────
// Says why a card cannot stand under another one; null where it can.
const forbidden = (id, onto) => {
  const { model } = view;
  const [card, target] = [model.of(id), model.of(onto)];
  if (!target || !card) return words.no_self;
  if (model.isBelow(onto, id)) return words.no_circle;
  if (card.parent === onto) return words.no_self;
  if (model.lens === "positions" && card.kind === "department" && target.kind === "position" && !target.head) return words.no_kind;
  if (model.lens === "positions" && target.kind === "company" && card.kind === "position" && !card.head) return words.no_kind;
  return null;
};

const spanOwner = (id) => {
  const { model } = view;
  for (let node = model.of(id); node; node = model.of(node.parent)) if (node.kind === "position") return node;
  return null;
};

const peopleOf = (id) => {
  const node = view.model.of(id);
  if (node.kind === "position") return (node.holders ?? []).map((holder) => holder.name);
  return view.model.kidsOf(id).filter((kid) => view.model.of(kid).kind === "position").flatMap(peopleOf);
};

const line = (name, html, tone = "") => `<dt>${escape(name)}</dt><dd class="${tone}">${html}</dd>`;
const spanLine = (node, by) => (node ? `${escape(node.title)} ${node.span} → <b>${node.span + by}</b>` : "");

export const meaning = (id, onto) => {
  const { model } = view;
  const [card, target] = [model.of(id), model.of(onto)];
  const why = forbidden(id, onto);
  const [old, next] = [spanOwner(card.parent), spanOwner(onto)];
  const people = peopleOf(id);
  const moved = card.kind === "position" ? 1 : card.span;
  const rows = [line(words.superior_label, `<span class="og-del">${escape(old?.title ?? "—")}</span> → ${escape(next?.title ?? "—")}`)];
  rows.push(line(words.new_superior, escape(people.length ? fill(words.people, { n: people.length, names: people.slice(0, 6).join("、") }) : words.nobody_moves)));
  if (old !== next) rows.push(line(words.span, [spanLine(old, -moved), spanLine(next, moved)].filter(Boolean).join("，")));
  const levels = [model.level.get(id), (model.level.get(onto) ?? 0) + 1];
  rows.push(line(words.layers, `${escape(card.title)} ${levels[0] ?? "?"} → <b>${levels[1]}</b>`));
  if (next && next !== old && next.filled === 0) rows.push(line(words.note, escape(words.superior_vacant), "og-t-sign"));
  else if (next && next.span + moved > setup.advised) rows.push(line(words.note, escape(fill(words.f_span_words, { n: next.span + moved, m: setup.advised })), "og-t-warn"));
  const tag = why ? `<span class="og-tag block">${escape(words.cannot_drop)}：${escape(why)}</span>` : `<span class="og-tag ok">${escape(words.can_drop)}</span>`;
  return { why, html: `<div class="hd">${escape(card.title)} → ${escape(target.title)}<span class="og-sp"></span>${tag}</div>${why ? "" : `<dl>${rows.join("")}</dl>`}<div class="ft">${escape(words.release)}</div>` };
};

// ── sending ──────────────────────────────────────────────
const send = async (values) => {
  const answer = await window.op.post(urls.item, { set: setup.set, lens: view.lens, ...values });
  if (!answer) return false;
  if (answer.refused) { window.op.banner("block", `${answer.refused} ${words.refused}`); return false; }
  undone.length = 0;
  show(answer.tray);
  history_.push({ items: answer.items, values });
  await load({ keep: true });
  return true;
};
const history_ = [];

const takeBack = async (pks, everything = false) => {
  for (const pk of pks) {
    if (!tray.items.some((one) => one.pk === pk)) continue;
    const answer = await window.op.post(urls.undo, { item: pk, all: everything ? "1" : "" });
    if (!answer) return false;
    if (answer.code === "dependents") {
      if (!await ask(answer.refused)) return false;
      return takeBack(pks, true);
    }
    if (answer.refused) { window.op.banner("block", answer.refused); return false; }
    show(answer.tray);
  }
  await load({ keep: true });
  return true;
};

// A question in the tray, with yes and no; resolves to the answer.
const ask = (sentence) => new Promise((done) => {
  const note = $("[data-ask]", trayBox);
  note.hidden = false;
  note.innerHTML = `<p>${escape(sentence)} ${escape(words.dependents)}</p><div class="op-row"><button class="op-btn op-btn-primary" type="button" data-yes>${escape(words.yes)}</button><button class="op-btn" type="button">${escape(words.no)}</button></div>`;
  $("button", note).focus();
  note.onclick = (event) => { const button = event.target.closest("button"); if (button) { note.hidden = true; done("yes" in button.dataset); } };
});

const undo = async () => {
  const last = history_.pop() ?? (tray.items[0] && { items: [tray.items[0].pk] });
  if (last && await takeBack([...last.items].reverse()) && last.values) { undone.push(last.values); buttons(); }
};

const redo = async () => {
  const values = undone.pop();
  const rest = [...undone];
  if (values && await send(values)) { undone.push(...rest); buttons(); }
};

const buttons = () => {
  $("[data-redo]").disabled = !undone.length;
  $("[data-undo-last]").disabled = !tray?.items.length;
};

// ── the tray ─────────────────────────────────────────────
const tone = { create: "add", move: "mov", close: "del", delete: "del", rename: "set", plan: "set", assign: "set", set: "set" };
const itemHtml = (item, clashing) => `<li class="${clashing ? "pend" : ""}"><span class="og-op ${tone[item.op]}">${escape(words[`op_${item.op}`])}</span><span>${escape(item.title)}${item.note ? `<small>${escape(item.note)}</small>` : ""}${clashing ? `<small class="og-t-block">${escape(fill(words.conflicts, { n: 1 }))}</small>` : ""}</span>`
  + `<button class="op-btn op-btn-ghost op-btn-icon x" type="button" data-take-back="${item.pk}" aria-label="${escape(`${words.undo_item}：${item.title}`)}"><svg class="op-i" aria-hidden="true"><use href="#i-x"/></svg></button></li>`;

const better = ({ old, new: now, better: way }) => (way === "less" && now !== old ? (now < old ? ["og-t-ok", "✓"] : ["og-t-sign", "▲"]) : ["", ""]);
const totalHtml = (total) => {
  const [css, mark] = better(total);
  return `<span>${escape(words[total.name])}</span><span>${escape(total.old || "—")}</span><span>→</span><span class="${css}">${escape(total.new || "—")} ${mark}</span>`;
};

const noteHtml = () => {
  const said = [];
  if (tray.behind) said.push(fill(words.behind, { n: tray.behind, v: tray.base_version }));
  if (tray.conflicts.length) said.push(fill(words.conflicts, { n: tray.conflicts.length }));
  said.push(...tray.faults);
  return said.length ? `<p class="og-note ${tray.faults.length || tray.conflicts.length ? "block" : "warn"}">${escape(said.join(" "))}</p>` : "";
};

const blocked = () => !tray.items.length || tray.conflicts.length > 0 || tray.faults.length > 0;

const show = (found) => {
  tray = found;
  const about = [tray.effective_on ? fill(words.effective, { date: tray.effective_on }) : words.no_day, fill(words.based_on, { v: tray.base_version })];
  trayBox.innerHTML = `<div class="og-tray-hd"><div class="og-row"><h2>${escape(tray.title)}</h2><span class="og-sp"></span><span class="og-tag dash">${escape(words.draft)}</span></div><div class="op-muted op-small">${escape(about.join(" · "))}</div></div>`
    + `<ol>${tray.items.map((item) => itemHtml(item, tray.conflicts.includes(item.pk))).join("") || `<li class="is-none"><span></span><span class="op-muted">${escape(words.nothing_yet)}</span></li>`}</ol><div class="og-note warn" data-ask hidden></div>`
    + `<div class="og-tray-ft"><div class="og-delta">${tray.totals.map(totalHtml).join("")}<span>${escape(words.people_affected)}</span><span></span><span></span><span title="${escape(tray.names.join("、"))}">${tray.people}</span></div>${noteHtml()}`
    + `<div class="og-row">${tray.compare ? `<a class="op-btn" href="${escape(tray.compare)}">${escape(words.compare)}</a>` : ""}<form class="og-submit" method="post" action="${escape(tray.submit)}"><input type="hidden" name="csrfmiddlewaretoken" value="${escape($("[data-texts]").dataset.csrf)}"><button class="op-btn op-btn-primary" data-submit${blocked() ? " disabled" : ""}>${escape(fill(words.submit, { n: tray.items.length }))}</button></form></div></div>`;
  buttons();
};

whenDrawn(() => {
  let marked = false;
  for (const [id, mark] of Object.entries(tray?.marks ?? {})) {
    const node = view.model.of(id);
    if (node && node.mark !== mark) { node.mark = mark; marked = true; }
  }
  if (marked) render();
});

trayBox.addEventListener("click", (event) => {
  const button = event.target.closest("[data-take-back]");
  if (button) takeBack([Number(button.dataset.takeBack)]);
});
$("[data-undo-last]").addEventListener("click", undo);
$("[data-redo]").addEventListener("click", redo);

// ── dragging ─────────────────────────────────────────────
const FAR = 6;
let drag = null;

const cardBelow = (event) => {
  const found = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-card]");
  return found && svg.contains(found) && !found.dataset.card.startsWith("+") ? found.dataset.card : null;
};

// Dropped on the edge of a card without drawn children, or in the gap beside it: between cards, not under one.
const EDGE = 14;
const GAP = 4;

const placeAt = (event) => {
  const here = draw.getBoundingClientRect();
  const [x, y] = [(event.clientX - here.x - view.x) / view.zoom, (event.clientY - here.y - view.y) / view.zoom];
  const { model } = view;
  const card = model.of(drag.id);
  for (const one of view.drawing.boxes) {
    if (one.more || one.id === drag.id || x < one.x || x > one.x + one.w || y < one.y - GAP || y > one.y + one.h + GAP) continue;
    const [top, foot] = [y - one.y, one.y + one.h - y];
    if (Math.min(top, foot) > EDGE || !mayStandBeside(card, model.of(one.id))) return null;
    const side = top < foot ? "before" : "behind";
    return { side, beside: one.id, onto: model.of(one.id).parent, x: one.x, w: one.w, y: side === "before" ? one.y - GAP : one.y + one.h + GAP };
  }
  return null;
};

const mayStandBeside = (card, other) => {
  const { model } = view;
  if (!other || other.id === model.root || card.kind !== other.kind || model.isOpen(other.id) || model.isBelow(other.parent, card.id)) return false;
  return card.parent === other.parent || !forbidden(card.id, other.parent);
};

const slot = document.createElementNS("http://www.w3.org/2000/svg", "path");
slot.setAttribute("class", "slot-line");

const begin = () => {
  const card = cardAt(drag.id);
  drag.node = card.cloneNode(true);
  drag.node.removeAttribute("data-card");
  drag.node.classList.add("sel", "is-held");
  drag.node.setAttribute("aria-hidden", "true");
  svg.querySelector("[data-world]").append(drag.node);
  card.classList.add("ghost");
  for (const one of view.drawing.boxes) {
    if (!one.more && one.id !== drag.id && forbidden(drag.id, one.id)) cardAt(one.id)?.classList.add("dim");
  }
  box.classList.add("is-dragging");
  draw.setPointerCapture?.(drag.pointer);
};

const follow = (event) => {
  const here = draw.getBoundingClientRect();
  const at = drag.box;
  const [x, y] = [(event.clientX - here.x - view.x) / view.zoom - drag.dx, (event.clientY - here.y - view.y) / view.zoom - drag.dy];
  drag.node.setAttribute("transform", `translate(${x} ${y})`);
  drag.place = placeAt(event);
  if (drag.place) {
    slot.setAttribute("d", `M${drag.place.x} ${drag.place.y}h${drag.place.w}`);
    svg.querySelector("[data-world]").append(slot);
  } else slot.remove();
  const over = drag.place ? `${drag.place.side} ${drag.place.beside}` : cardBelow(event);
  if (over === drag.over) { placeHint(event, here); return; }
  cardAt(drag.over ?? "")?.classList.remove("target");
  drag.over = over !== drag.id ? over : null;
  hint.hidden = !drag.over;
  if (!drag.over) return;
  const found = drag.place ? placeMeaning(drag.id, drag.place) : meaning(drag.id, drag.over);
  hint.innerHTML = found.html;
  if (drag.place) { placeHint(event, here, at); return; }
  if (!found.why) cardAt(drag.over).classList.add("target");
  placeHint(event, here, at);
};

const placeMeaning = (id, { onto, side, beside }) => {
  const { model } = view;
  const words_ = fill(side === "before" ? words.place_before : words.place_behind, { title: model.of(beside).title });
  if (model.of(id).parent !== onto) {
    const found = meaning(id, onto);
    return { ...found, html: found.html.replace('<div class="ft">', `<div class="ft">${escape(words_)} · `) };
  }
  return { why: null, html: `<div class="hd">${escape(model.of(id).title)}</div><div class="ft">${escape(words_)} · ${escape(words.release)}</div>` };
};

const placeHint = (event, here) => {
  if (hint.hidden) return;
  const left = Math.min(event.clientX - here.x + 24, draw.clientWidth - 352);
  const top = Math.min(event.clientY - here.y + 40, draw.clientHeight - hint.offsetHeight - 12);
  hint.style.left = `${Math.max(8, left)}px`;
  hint.style.top = `${Math.max(8, top)}px`;
};

const moved = (event) => {
  if (!drag) return;
  if (!drag.node && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR) return;
  if (!drag.node) begin();
  follow(event);
};

const end = () => {
  removeEventListener("pointermove", moved);
  removeEventListener("pointerup", dropped);
  removeEventListener("keydown", given, true);
  hint.hidden = true;
  box.classList.remove("is-dragging");
  const was = drag;
  drag = null;
  if (!was?.node) return was;
  was.node.remove();
  slot.remove();
  box.classList.add("was-dragged");
  setTimeout(() => box.classList.remove("was-dragged"));
  svg.querySelectorAll(".dim, .ghost, .target").forEach((card) => card.classList.remove("dim", "ghost", "target"));
  return was;
};

const dropped = async () => {
  const was = end();
  if (!was?.node || !was.over) return;
  if (was.place) { await send({ do: "move", card: was.id, onto: was.place.onto, [was.place.side]: was.place.beside }); return; }
  const why = forbidden(was.id, was.over);
  if (why) { window.op.banner("block", `${words.cannot_drop}：${why}。${words.refused}`); return; }
  await send({ do: "move", card: was.id, onto: was.over });
};

const given = (event) => { if (event.key === "Escape") { event.stopPropagation(); end(); } };

svg.addEventListener("pointerdown", (event) => {
  const card = event.target.closest("[data-card]");
  if (!card || event.button || card.dataset.card.startsWith("+") || event.target.closest("[data-open]") || card.dataset.card === view.model.root) return;
  const id = card.dataset.card;
  const at = view.drawing.boxes.find((one) => one.id === id);
  const here = draw.getBoundingClientRect();
  drag = { id, box: at, pointer: event.pointerId, x: event.clientX, y: event.clientY, over: null, node: null,
    dx: (event.clientX - here.x - view.x) / view.zoom - at.x, dy: (event.clientY - here.y - view.y) / view.zoom - at.y };
  addEventListener("pointermove", moved);
  addEventListener("pointerup", dropped);
  addEventListener("keydown", given, true);
});

// ── move to…, by keyboard ────────────────────────────────
const dialog = $("#og-move");
const hits = $("[data-move-hits]");
const moveField = $("[data-move-search]");
let moving = null;
let chosen = null;

const choose = (id) => {
  chosen = id;
  [...hits.children].forEach((row) => row.setAttribute("aria-selected", String(row.dataset.id === id)));
  const known = view.model.of(id);
  const found = known ? meaning(moving, id) : { html: "", why: null };
  $("[data-move-preview]").innerHTML = found.html;
  $("[data-move-now]").disabled = Boolean(found.why);
  moveField.setAttribute("aria-activedescendant", [...hits.children].find((row) => row.dataset.id === id)?.id ?? "");
};

const findTargets = async () => {
  const q = moveField.value.trim();
  const found = q ? await fetch(`${urls.search}?${new URLSearchParams({ q, lens: view.lens, set: setup.set })}`, { credentials: "same-origin" }).then((answer) => answer.json()).catch(() => ({ hits: [] })) : { hits: [] };
  hits.innerHTML = found.hits.filter((hit) => hit.id !== moving).slice(0, 12).map((hit, index) => `<li role="option" id="og-hit-${index}" aria-selected="false" data-id="${escape(hit.id)}">${escape(hit.title)} <span class="op-muted">${escape(hit.where)}</span></li>`).join("");
  chosen = null;
  $("[data-move-now]").disabled = true;
  if (hits.firstChild) choose(hits.firstChild.dataset.id);
};

export const openMove = (id) => {
  if (!id || id === view.model.root || !view.model.of(id)) return;
  moving = id;
  $("[data-move-title]").textContent = `${words.move_to} ${view.model.of(id).title}`;
  moveField.value = "";
  hits.innerHTML = "";
  $("[data-move-preview]").innerHTML = "";
  $("[data-move-now]").disabled = true;
  dialog.showModal();
  moveField.focus();
};
let typed;
moveField.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(findTargets, 150); });
const addMove = async () => {
  if (!chosen || $("[data-move-now]").disabled) return;
  dialog.close();
  await send({ do: "move", card: moving, onto: chosen });
  goTo(moving);
};
moveField.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by && hits.children.length) {
    event.preventDefault();
    const rows = [...hits.children].map((row) => row.dataset.id);
    choose(rows[(rows.indexOf(chosen) + by + rows.length) % rows.length]);
  }
  if (event.key === "Enter") { event.preventDefault(); addMove(); }
});
hits.addEventListener("click", (event) => { const row = event.target.closest("[data-id]"); if (row) choose(row.dataset.id); });
$("[data-move-now]").addEventListener("click", addMove);
$("[data-move-selected]").addEventListener("click", () => openMove(view.selected ?? view.current));
box.addEventListener("click", (event) => { const button = event.target.closest("[data-move-card]"); if (button) openMove(button.dataset.moveCard); });

// ── new, rename, close ───────────────────────────────────
const postDialog = $("#og-post");
const form = $("[data-post-form]");
let asking = null;
const askPost = (kind, id) => {
  const node = view.model.of(id);
  if (!node || (kind === "rename" && node.kind === "company")) return;
  asking = { kind, id };
  form.reset();
  $("[data-post-title]").textContent = kind === "new" ? words.new_post : words.op_rename;
  $("[data-plan-fields]").hidden = kind !== "new";
  $("[data-post-where]").textContent = kind === "new" ? fill(words.superior, { title: node.title }) : "";
  if (kind === "rename") form.elements.title.value = node.title;
  postDialog.showModal();
  form.elements.title.focus();
};
const addPost = async () => {
  if (!form.reportValidity()) return;
  const { title, plan_min: low, plan_max: high } = form.elements;
  postDialog.close();
  await send(asking.kind === "new"
    ? { do: "new", onto: asking.id, title: title.value, plan_min: low.value, plan_max: high.value }
    : { do: "rename", card: asking.id, title: title.value });
};
$("[data-post-now]").addEventListener("click", addPost);
form.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); addPost(); } });
$("[data-new-post]").addEventListener("click", () => askPost("new", view.selected ?? view.current));

const keys = {
  m: (id) => openMove(id),
  n: (id) => askPost("new", id),
  r: (id) => askPost("rename", id),
  Delete: (id) => send({ do: "close", card: id }),
};
// Alt with an arrow: one place up or down among those beside it.
const shift = async (id, by) => {
  const beside = view.model.kidsOf(view.model.of(id).parent);
  const other = beside[beside.indexOf(id) + by];
  if (!other || view.model.of(other).kind !== view.model.of(id).kind) return;
  await send({ do: "move", card: id, onto: view.model.of(id).parent, [by < 0 ? "before" : "behind"]: other });
  goTo(id);
};

const pressed = (event) => {
  const card = event.target.closest("[data-card]");
  const by = event.altKey && { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (card && by && view.model.of(card.dataset.card) && card.dataset.card !== view.model.root) {
    event.preventDefault();
    event.stopPropagation();
    shift(card.dataset.card, by);
    return;
  }
  const act = card && !event.ctrlKey && !event.metaKey && !event.altKey && (keys[event.key] ?? keys[event.key.toLowerCase()]);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act(card.dataset.card);
};
svg.addEventListener("keydown", pressed);
$("[data-list]").addEventListener("keydown", pressed);
addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.target.closest("input, textarea, dialog")) return;
  if (event.key.toLowerCase() === "z") { event.preventDefault(); if (event.shiftKey) redo(); else undo(); }
  if (event.key === "Enter") { const button = $("[data-submit]"); if (!button.disabled) button.click(); }
});

const first = await fetch(`${urls.tray}?set=${setup.set}`, { credentials: "same-origin" }).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
if (first) { show(first); render(); }
box.dataset.editing = "";
