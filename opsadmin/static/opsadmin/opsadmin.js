// Small behaviours of every page. No inline scripts: everything hangs on data attributes. Screens of their own
// behaviour load a file of theirs and use window.op.
(() => {
"use strict";
const start = () => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;
  const phone = matchMedia("(max-width: 767px)");
  const settings = $("[data-texts]")?.dataset ?? {};
  const text = (name) => settings[name] ?? "";

  const say = (sentence, urgent = false) => {
    const live = $("[data-live]");
    if (!live) return;
    live.setAttribute("aria-live", urgent ? "assertive" : "polite");
    live.textContent = "";
    requestAnimationFrame(() => { live.textContent = sentence; });
  };

  // A sentence that stays on the page until it is closed, above the content.
  const banner = (tone, sentence) => {
    const main = $("#main");
    $("[data-said]", main)?.remove();
    const box = document.createElement("div");
    box.className = `op-banner is-${tone}`;
    box.dataset.said = "";
    box.setAttribute("role", tone === "block" ? "alert" : "status");
    const words = document.createElement("p");
    words.className = "op-grow";
    words.textContent = sentence;
    box.append(words);
    main.prepend(box);
    box.scrollIntoView({ block: "nearest" });
  };

  // POST with the CSRF token. Resolves to the answer's JSON: on 409 it carries refused (a sentence) and code; null when
  // there was no usable answer and the person has been told. Nothing is ever kept to be sent later.
  const post = async (url, data = {}) => {
    const lost = (sentence) => { say(sentence, true); banner("block", sentence); return null; };
    if (!navigator.onLine) return lost(text("offline"));
    const pairs = () => Object.entries(data).flatMap(([key, value]) => [value].flat().map((one) => [key, one ?? ""]));
    let answer;
    try {
      answer = await fetch(url, {
        method: "POST",
        body: data instanceof FormData ? data : new URLSearchParams(pairs()),
        credentials: "same-origin",
        headers: { "X-CSRFToken": settings.csrf, Accept: "application/json" },
      });
    } catch {
      return lost(text(navigator.onLine ? "failed" : "offline"));
    }
    if (answer.redirected && new URL(answer.url).pathname.startsWith("/login/")) return lost(text("again"));
    const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    if (!isJson) return lost(text("failed"));
    const found = await answer.json();
    if (found.refused) say(found.refused, true);
    else if (!answer.ok) return lost(text("failed"));
    return found;
  };

  // Theme: the choice is kept where unfold keeps it, so that both kinds of page agree.
  $$("[data-theme-switch]").forEach((button) => button.addEventListener("click", () => {
    const dark = !root.classList.contains("dark");
    root.classList.toggle("dark", dark);
    root.classList.toggle("light", !dark);
    localStorage.setItem("_x_adminTheme", JSON.stringify(dark ? "dark" : "light"));
    const unfold = window.Alpine?.$data(root);
    if (unfold) unfold.adminTheme = dark ? "dark" : "light";
  }));

  // Navigation: a drawer on the phone; on the desktop it can be put away on wide pages.
  const closeDrawer = () => {
    const app = $(".op-app.is-open");
    if (!app) return;
    app.classList.remove("is-open");
    $(".op-top [data-toggle-nav]").focus();
  };
  $$("[data-toggle-nav]").forEach((button) => button.addEventListener("click", () => {
    const app = $(".op-app");
    if (!phone.matches) { app.classList.toggle("is-wide"); return; }
    if (app.classList.contains("is-open")) { closeDrawer(); return; }
    app.classList.add("is-open");
    $(".op-side a", app)?.focus();
  }));
  $(".op-app")?.addEventListener("click", (event) => { if (event.target === event.currentTarget) closeDrawer(); });

  // A long navigation shows where one is.
  $(".op-side [aria-current]")?.scrollIntoView({ block: "nearest" });

  // Menus close on a click elsewhere.
  document.addEventListener("click", (event) => {
    $$("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  if (phone.matches) $$("[data-fold-on-phone]").forEach((details) => { details.open = false; });

  // <button data-open-dialog="id"> opens a dialog; <button data-close-dialog> inside closes it.
  // <dialog data-open> is open when the page comes.
  // <form data-confirm="id">, or one of its buttons, asks in that dialog first; its button with value "yes" sends the form.
  $("dialog[data-open]")?.showModal();
  const confirming = new WeakMap();
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open-dialog]");
    if (opener && opener.getAttribute("aria-disabled") !== "true") document.getElementById(opener.dataset.openDialog).showModal();
    if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
    if (event.target.matches("dialog[open]")) {
      const box = event.target.getBoundingClientRect();
      const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
      if (outside && event.detail) event.target.close();
    }
  });
  // A button that cannot be used yet says why instead of acting.
  document.addEventListener("click", (event) => {
    const button = event.target.closest('[aria-disabled="true"]');
    if (!button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const why = document.getElementById(button.getAttribute("aria-describedby") || "");
    if (why) say(why.textContent);
  }, true);

  // Every POST form is sent once; coming back by the browser's button makes it usable again.
  const busy = new Set();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (!navigator.onLine) { event.preventDefault(); banner("block", text("offline")); return; }
    const submitter = event.submitter;
    const asking = submitter?.dataset.confirm || form.dataset.confirm;
    if (asking && confirming.get(form) !== "yes") {
      event.preventDefault();
      const dialog = document.getElementById(asking);
      dialog.returnValue = "";
      dialog.addEventListener("close", () => {
        if (dialog.returnValue !== "yes") return;
        confirming.set(form, "yes");
        form.requestSubmit(submitter);
      }, { once: true });
      dialog.showModal();
      return;
    }
    confirming.delete(form);
    if (busy.has(form)) { event.preventDefault(); return; }
    busy.add(form);
    // Disabled after the form's data is taken: a disabled button would not send its name.
    setTimeout(() => $$("button:not([type=button]), input[type=submit]", form).forEach((button) => {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
    }));
  });
  const release = (form) => {
    busy.delete(form);
    $$("[aria-busy]", form).forEach((button) => { button.disabled = false; button.removeAttribute("aria-busy"); });
  };
  addEventListener("pageshow", () => [...busy].forEach(release));

  // A chosen file is named in its drop field; files can be dropped on it.
  $$("[data-drop]").forEach((drop) => {
    const input = $("input[type=file]", drop);
    const named = $("[data-drop-name]", drop);
    const empty = named?.textContent;
    const show = () => { if (named) named.textContent = [...input.files].map((file) => file.name).join("、") || empty; };
    input.addEventListener("change", show);
    drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("is-over"); });
    drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("is-over");
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });

  // Forms that only filter are sent when a choice changes.
  $$("[data-send-on-change]").forEach((form) => form.addEventListener("change", () => form.requestSubmit()));

  // Keys. Never while typing or composing, never with Ctrl, Alt or Meta (but the search), and off if switched off.
  const keysOff = "keysOff" in settings;
  const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");
  const keysWanted = (event) => !keysOff && !event.isComposing && event.keyCode !== 229
    && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target) && !$("dialog[open]");
  const openSearch = () => {
    const dialog = $("#op-search");
    if (!dialog || dialog.open) return;
    closeDrawer();
    dialog.showModal();
    $("input", dialog).select();
  };
  $$("[data-open-search]").forEach((button) => button.addEventListener("click", openSearch));

  const rows = () => $$("[data-row]").filter((row) => !row.hidden && !row.closest("[hidden]"));
  const current = () => $("[data-row].is-current");
  const select = (row) => {
    $$("[data-row].is-current").forEach((other) => other.classList.remove("is-current"));
    row.classList.add("is-current");
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    row.dispatchEvent(new CustomEvent("op:row", { bubbles: true }));
  };
  const move = (step) => {
    const all = rows();
    const at = all.indexOf(current());
    const next = at < 0 ? all[0] : all[Math.max(0, Math.min(all.length - 1, at + step))];
    if (next) select(next);
    return next;
  };
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => { const own = $("#searchbar"); if (own) own.select(); else openSearch(); },
    "?": () => $("#op-keys")?.showModal(),
    enter: (event) => { const row = current(); if (row && event.target === row) $("a, button", row)?.click(); else return false; },
    " ": (event) => { const row = current(); const box = row && $("input[type=checkbox]", row); if (box && event.target === row) box.click(); else return false; },
  };
  ["1", "2", "3", "4"].forEach((digit) => { keys[digit] = () => $$(".op-tabs a")[digit - 1]?.click() ?? undefined; });
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") { closeDrawer(); $$("details[data-menu][open]").forEach((menu) => { menu.open = false; }); return; }
    if (keysOff) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openSearch();
      return;
    }
    const act = keysWanted(event) && keys[event.key.toLowerCase()];
    if (act && act(event) !== false) event.preventDefault();
  });

  // key(letter, function) adds a key of one screen, under the same conditions; return false to leave the event alone.
  window.op = { $, $$, say, banner, post, keysWanted, move, select, current, rows, release, key: (letter, act) => { keys[letter.toLowerCase()] = act; } };
};
// Our pages load this file deferred; unfold's load it in the head, before there is a body.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
})();
