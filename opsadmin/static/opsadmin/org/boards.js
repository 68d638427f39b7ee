// Boards of the organisation: rows of a tree that open and close.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  document.querySelectorAll("[data-tree]").forEach((tree) => {
    const rows = [...tree.querySelectorAll("tr[data-key]")];
    const show = () => {
      const closed = new Set(rows.filter((row) => row.querySelector('[data-twist][aria-expanded="false"]')).map((row) => row.dataset.key));
      rows.forEach((row) => { row.hidden = row.dataset.above.split(" ").some((key) => closed.has(key)); });
    };
    tree.addEventListener("click", (event) => {
      const twist = event.target.closest("[data-twist]");
      if (!twist) return;
      twist.setAttribute("aria-expanded", twist.getAttribute("aria-expanded") === "true" ? "false" : "true");
      show();
    });
  });
});
