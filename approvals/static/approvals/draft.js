// The grid of a draft: prices in place, keep or strike, a dialog for all fields of a line, lines to remove.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const grid = document.querySelector("[data-grid]");
  if (!grid) return;
  const { $, $$, banner, post, select, current, key } = window.op;

  // ── what the server answered ──
  const takeOver = (row, answer) => {
    const holder = document.createElement("tbody");
    holder.innerHTML = answer.row;
    const fresh = $("tr", holder);
    fresh.classList.toggle("is-current", row.classList.contains("is-current"));
    row.replaceWith(fresh);
    const head = $("[data-draft-head]");
    if (head && answer.head) head.outerHTML = answer.head;
    return fresh;
  };
  const showFault = (row, sentence) => {
    const fault = $("[data-fault]", row);
    fault.textContent = sentence;
    fault.hidden = !sentence;
    const input = $("[data-edit-price]", row);
    input.classList.toggle("is-block", Boolean(sentence));
    input.setAttribute("aria-invalid", String(Boolean(sentence)));
  };
  const send = async (row, values) => {
    // A row that has been replaced, or waits for its answer, sends nothing: Enter and leaving the field come together.
    if (!row.isConnected || row.getAttribute("aria-busy") === "true") return null;
    row.setAttribute("aria-busy", "true");
    const answer = await post(row.dataset.lineUrl, { version: row.dataset.version, ...values });
    // A refusal with a row is somebody else's version of it, with one's own value to choose. The old row stays busy:
    // a field that is taken away says once more that it has changed.
    if (answer?.row) {
      const fresh = takeOver(row, answer);
      return answer.refused ? null : fresh;
    }
    row.removeAttribute("aria-busy");
    if (answer) showFault(row, answer.refused);
    return null;
  };

  // ── a price in place ──
  const commit = (input) => {
    const row = input.closest("tr");
    const price = input.value.trim();
    if (price === row.dataset.price) { showFault(row, ""); return Promise.resolve(row); }
    return send(row, { act: "price", price });
  };
  const focusPrice = (row) => {
    const input = row && $("[data-edit-price]:not(:disabled)", row);
    if (!input) return;
    select(row);
    input.focus();
    input.select();
  };
  grid.addEventListener("change", (event) => {
    if (event.target.matches("[data-edit-price]")) commit(event.target);
  });
  grid.addEventListener("submit", (event) => {
    if (event.target.matches("[data-price-form]")) event.preventDefault();
  }, true);
  grid.addEventListener("keydown", (event) => {
    if (event.isComposing || !event.target.matches("[data-edit-price]")) return;
    const row = event.target.closest("tr");
    if (event.key === "Escape") {
      event.target.value = row.dataset.price;
      showFault(row, "");
      row.focus();
    }
    if (event.key === "Enter") {
      event.preventDefault();
      const following = row.nextElementSibling;
      commit(event.target).then((done) => { if (done) focusPrice(following); });
    }
  });

  // ── keep or strike, use mine ──
  const askWhy = (row) => {
    if ($("[data-why]", row)) return;
    const input = document.createElement("input");
    input.className = "op-input";
    input.maxLength = 200;
    input.dataset.why = "";
    input.placeholder = grid.dataset.strikePrompt;
    input.setAttribute("aria-label", grid.dataset.strikePrompt);
    $(".c-act", row).append(input);
    input.focus();
    const strike = async () => {
      if (!input.value.trim()) return;
      const fresh = await send(row, { act: "strike", strike_reason: input.value });
      if (fresh) select(fresh);
    };
    input.addEventListener("change", strike);
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Escape") { event.stopPropagation(); input.remove(); row.focus(); }
      if (event.key === "Enter") { event.preventDefault(); strike(); }
    });
  };
  grid.addEventListener("click", (event) => {
    const button = event.target.closest("[data-keep], [data-strike], [data-use-mine]");
    if (!button) return;
    const row = button.closest("tr");
    if (row.getAttribute("aria-busy") === "true") return;
    if (button.matches("[data-use-mine]")) send(row, { act: "price", price: button.dataset.useMine });
    else if (button.getAttribute("aria-pressed") === "true") return;
    else if (button.matches("[data-keep]")) send(row, { act: "keep" });
    else askWhy(row);
  });

  // ── all fields of a line, in a dialog ──
  const dialog = $("[data-line-dialog]");
  let edited = null;
  const showNamed = () => {
    const scope = $("input[name=scope]:checked", dialog)?.value;
    const [named, excepted] = [$("[data-named]", dialog), $("[data-excepted]", dialog)];
    if (named) named.hidden = scope !== "stores";
    if (excepted) excepted.hidden = scope === "all";
  };
  const fill = (html) => {
    dialog.innerHTML = html;
    showNamed();
    const first = $("[aria-invalid=true], input[name=final_price]", dialog);
    if (first) { first.focus(); first.select?.(); }
  };
  const open = async (row) => {
    edited = row;
    const answer = await fetch(row.dataset.lineUrl, { headers: { "X-Fragment": "line" } }).catch(() => null);
    if (!answer || !answer.ok) { location.assign(row.dataset.lineUrl); return; }
    dialog.setAttribute("aria-labelledby", "line-h");
    dialog.showModal();
    fill(await answer.text());
  };
  const save = async (form) => {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json", "X-Fragment": "line" },
    }).catch(() => null);
    window.op.release(form);
    if (!answer) { banner("block", $("[data-texts]").dataset.failed); dialog.close(); return; }
    if ((answer.headers.get("Content-Type") || "").startsWith("application/json")) {
      const data = await answer.json();
      if (!answer.ok) { dialog.close(); showFault(edited, data.refused); return; }
      dialog.close();
      takeOver(edited, data).focus();
      return;
    }
    fill(await answer.text());
  };
  grid.addEventListener("click", (event) => {
    const link = event.target.closest("[data-open-line]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link.closest("tr"));
  });
  dialog.addEventListener("change", (event) => { if (event.target.name === "scope") showNamed(); });
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close-line]")) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("submit", (event) => { event.preventDefault(); save(event.target); });
  dialog.addEventListener("close", () => edited?.focus());

  // ── lines to remove ──
  const remove = $("[data-remove]");
  const count = () => {
    const chosen = $$("input[name=line]:checked", grid).length;
    remove.setAttribute("aria-disabled", String(!chosen));
  };
  grid.addEventListener("change", (event) => { if (event.target.name === "line") count(); });
  count();

  // ── keys ──
  key("enter", (event) => {
    if (!current() || event.target !== current()) return false;
    open(current());
  });
  key("e", () => { const row = current(); if (!row) return false; focusPrice(row); });
  key("x", () => { const other = current() && $(".op-keep button[aria-pressed=false]", current()); if (!other) return false; other.click(); });
});
