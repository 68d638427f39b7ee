// The queue of findings: J and K walk it and the side follows; A goes to the reason, G to the first way to mend it.
(() => {
  const table = document.querySelector("[data-walk]");
  const side = document.querySelector("[data-detail]");
  if (!table || !side) return;
  const rows = [...table.querySelectorAll("[data-row]")];
  const wide = matchMedia("(min-width: 1024px)");
  let asked = 0;

  const current = () => rows.findIndex((row) => row.classList.contains("is-current"));

  const show = async (row) => {
    rows.forEach((other) => other.classList.toggle("is-current", other === row));
    row.scrollIntoView({ block: "nearest" });
    const mine = ++asked;
    side.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${row.dataset.row}?part=1`, { credentials: "same-origin" });
      if (mine !== asked) return;
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      side.innerHTML = await answer.text();
    } catch {
      if (mine === asked) location.assign(row.dataset.row);
    } finally {
      if (mine === asked) side.removeAttribute("aria-busy");
    }
  };

  table.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!wide.matches) {
      if (!event.target.closest("a")) location.assign(row.dataset.row);
      return;
    }
    event.preventDefault();
    show(row);
  });

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, button, [contenteditable], dialog")) return;
    const at = current();
    const key = event.key.toLowerCase();
    if (key === "j" && at < rows.length - 1) show(rows[at + 1]);
    else if (key === "k" && at > 0) show(rows[at - 1]);
    else if (key === "enter" && at >= 0 && !event.target.closest("a")) location.assign(rows[at].dataset.row);
    else if (key === "a" && side.querySelector("[data-reason]")) side.querySelector("[data-reason]").focus();
    else if (key === "g" && side.querySelector("[data-fix]")) side.querySelector("[data-fix]").focus();
    else return;
    event.preventDefault();
  });
})();
