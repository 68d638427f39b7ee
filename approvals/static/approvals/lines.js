// Lines in groups: open and close a group, fetch its next lines.
(() => {
  "use strict";
  const section = document.querySelector("[data-lines-url]");
  if (!section) return;

  const fetchMore = async (button) => {
    const { more: band, after } = button.dataset;
    const query = new URLSearchParams(location.search);
    query.set("band", band);
    query.set("after", after);
    button.disabled = true;
    const response = await fetch(`${section.dataset.linesUrl}?${query}`).catch(() => null);
    button.disabled = false;
    if (!response || !response.ok) {
      window.op.say(button.dataset.failed || "");
      return;
    }
    const row = button.closest("tr");
    row.insertAdjacentHTML("beforebegin", await response.text());
    const next = response.headers.get("X-Next");
    if (next) button.dataset.after = next;
    else row.remove();
    document.dispatchEvent(new CustomEvent("op:lines"));
  };

  section.addEventListener("click", (event) => {
    const more = event.target.closest("[data-more]");
    if (more) {
      fetchMore(more);
      return;
    }
    const toggle = event.target.closest("[data-group-toggle]");
    if (!toggle) return;
    const open = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", String(open));
    const body = toggle.closest("tbody");
    body.querySelectorAll("tr:not(.op-group)").forEach((row) => { row.hidden = !open; });
    const start = body.querySelector("[data-after='start']");
    if (open && start) fetchMore(start);
  });

  // Where no line is on the screen, J opens the first group that has any.
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "j" || !window.op.keysWanted(event) || window.op.rows().length) return;
    section.querySelector("tbody:has(tr:not(.op-group)) [data-group-toggle][aria-expanded=false]")?.click();
    if (!window.op.move(1)) document.addEventListener("op:lines", () => window.op.move(1), { once: true });
  });
})();
