// The review page: prices in place, keep or strike, reasons, what has been seen, the signature.
(() => {
  "use strict";
  const page = document.querySelector("[data-review]");
  if (!page || page.dataset.open !== "1") return;
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const form = $("[data-decide]");
  const main = $("[data-sign], [data-approve]");

  // ── what the server answered ──
  const showGates = (html) => {
    const slot = $("[data-gates-slot]");
    if (!slot || !html) return;
    slot.innerHTML = html;
    if (main) main.setAttribute("aria-disabled", String($("[data-gates]").dataset.ready !== "1"));
  };
  const takeOver = (row, answer) => {
    const holder = document.createElement("tbody");
    holder.innerHTML = answer.row;
    const fresh = $("tr", holder);
    fresh.classList.toggle("is-current", row.classList.contains("is-current"));
    fresh.dataset.seen = "1";
    const field = row.contains(document.activeElement) && document.activeElement.matches("[data-reason], [data-edit-price]")
      ? document.activeElement : null;
    const again = field && $(field.matches("[data-reason]") ? `[data-reason="${field.dataset.reason}"]` : "[data-edit-price]", fresh);
    row.replaceWith(fresh);
    if (again) {
      if (field.matches("[data-reason]")) again.value = field.value;
      again.focus();
    }
    for (const name of ["figures", "severities"]) {
      const old = $(`[data-${name}]`);
      if (old) old.outerHTML = answer[name];
    }
    showGates(answer.gates);
    $("[data-content-hash]").value = answer.hash;
    const short = $("[data-hash-short]");
    if (short) short.textContent = `${answer.hash.slice(0, 4)}…${answer.hash.slice(-4)}`;
    return fresh;
  };
  const showFault = (row, sentence, values) => {
    const fault = $("[data-fault]", row);
    fault.textContent = sentence;
    fault.hidden = false;
    const input = $("[data-edit-price]", row);
    if (input && "price" in values) {
      input.value = values.price;
      input.classList.add("is-block");
      input.setAttribute("aria-invalid", "true");
    }
    window.op.say(sentence);
  };
  const send = async (row, values) => {
    // Enter and leaving the field come together; a row that waits for its answer, or has been replaced, sends nothing.
    if (!row.isConnected || row.dataset.busy) return null;
    row.dataset.busy = "1";
    const url = page.dataset.lineUrl.replace(/0\/$/, `${row.dataset.line}/`);
    const answer = await window.op.post(url, { version: row.dataset.version, ...values });
    if (answer && !answer.refused) return takeOver(row, answer);
    delete row.dataset.busy;
    // A refusal with a row is somebody else's version of it; one's own value stays in the field, to be sent again.
    if (answer) showFault(answer.row ? takeOver(row, answer) : row, answer.refused, values);
    return null;
  };

  // ── a price in place ──
  const commit = (input) => {
    const row = input.closest("tr");
    const value = input.value.trim();
    if (value === row.dataset.price) {
      $("[data-fault]", row).hidden = true;
      input.classList.remove("is-block");
      input.removeAttribute("aria-invalid");
      return Promise.resolve(row);
    }
    return send(row, { price: value });
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-edit-price]")) commit(event.target);
    if (event.target.matches("[data-reason]") && event.target.value.trim()) {
      send(event.target.closest("tr"), { reason_code: event.target.dataset.reason, reason: event.target.value });
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || !event.target.matches("[data-edit-price]")) return;
    const row = event.target.closest("tr");
    if (event.key === "Escape") {
      event.target.value = row.dataset.price;
      commit(event.target);
      row.focus();
    }
    if (event.key === "Enter") {
      event.preventDefault();
      const next = row.nextElementSibling;
      commit(event.target).then((done) => {
        const field = done && next && $("[data-edit-price]", next);
        if (field) {
          field.focus();
          field.select();
        }
      });
    }
  });

  // ── keep or strike ──
  document.addEventListener("click", (event) => {
    const keep = event.target.closest("[data-keep]");
    const strike = event.target.closest("[data-strike]");
    if (!keep && !strike) return;
    const row = (keep || strike).closest("tr");
    if ((keep || strike).getAttribute("aria-pressed") === "true") return;
    if (keep) {
      send(row, { struck: "0" });
      return;
    }
    askStrikeReason(row);
  });
  const askStrikeReason = (row) => {
    if ($("[data-strike-reason]", row)) return;
    const box = document.createElement("input");
    box.className = "op-input";
    box.maxLength = 200;
    box.placeholder = page.dataset.strikePrompt;
    box.setAttribute("aria-label", page.dataset.strikePrompt);
    box.dataset.strikeReason = "";
    $(".c-act", row).append(box);
    box.focus();
    box.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Escape") { box.remove(); row.focus(); }
      if (event.key === "Enter" && box.value.trim()) {
        event.preventDefault();
        send(row, { struck: "1", strike_reason: box.value });
      }
    });
    box.addEventListener("change", () => {
      if (box.isConnected && box.value.trim()) send(row, { struck: "1", strike_reason: box.value });
    });
  };

  // ── what has been seen ──
  const must = Number(page.dataset.must);
  const seen = new Set();
  let told = $("[data-gates]") ? $("[data-gates]").dataset.looked === "1" : true;
  const tell = (values) => window.op.post(page.dataset.seenUrl, values).then((answer) => {
    if (answer && !answer.refused) showGates(answer.gates);
  });
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) seen.add(entry.target.dataset.line);
    if (!told && seen.size >= must) {
      told = true;
      tell({ lines: seen.size });
    }
  }, { threshold: 0.5 });
  const watch = () => $$("tr[data-in='1']:not([data-watched])").forEach((row) => {
    row.dataset.watched = "1";
    watcher.observe(row);
  });
  document.addEventListener("op:lines", watch);
  watch();
  tell({});

  // ── the decision ──
  const dialog = $("[data-sign-dialog]");
  const openDialog = () => {
    if (!main || !dialog) return;
    if (main.getAttribute("aria-disabled") === "true") {
      const gate = $("[data-gates] .is-warn, [data-gates] .is-block");
      if (gate) window.op.say(gate.closest("li").textContent.trim(), true);
      return;
    }
    dialog.showModal();
    $("#password").focus();
  };
  if (main && main.matches("[data-sign]")) main.addEventListener("click", openDialog);
  if (dialog) {
    $("[data-sign-cancel]").addEventListener("click", () => dialog.close());
    $("[data-sign-now]").addEventListener("click", () => { $("[data-verdict]").value = "sign"; });
  }
  const back = $("[data-send-back]");
  if (back) {
    back.addEventListener("click", (event) => {
      const comment = $("[data-comment]");
      if (!comment.value.trim()) {
        event.preventDefault();
        comment.focus();
        comment.setAttribute("aria-invalid", "true");
        window.op.say(comment.previousElementSibling.textContent, true);
        return;
      }
      $("[data-verdict]").value = "send_back";
    });
  }
  form.addEventListener("submit", (event) => {
    const approving = event.submitter && event.submitter.matches("[data-approve]");
    if (approving && main.getAttribute("aria-disabled") === "true") event.preventDefault();
  });

  // ── keys: never while typing, never with a modifier ──
  document.addEventListener("keydown", (event) => {
    if (!window.op.keysWanted(event)) return;
    const row = $("tr.is-current");
    const key = event.key.toLowerCase();
    if (key === "a") { event.preventDefault(); openDialog(); }
    if (key === "c") { event.preventDefault(); $("[data-comment]").focus(); }
    if (key === "r" && back) { event.preventDefault(); $("[data-comment]").focus(); }
    if (key === "n") location.assign(page.dataset.nextUrl);
    if (key === "e" && row) {
      const field = $("[data-edit-price]", row);
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    }
    if (key === "x" && row) {
      const other = $(".op-keep button[aria-pressed='false']", row);
      if (other) { event.preventDefault(); other.click(); }
    }
  });
})();
