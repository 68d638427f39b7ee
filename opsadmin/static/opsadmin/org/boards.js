// Boards of the organisation: rows of a tree that open and close, cells of the store team that open their dialog.
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

  const dialog = document.getElementById("ob-assign");
  if (dialog) {
    const form = dialog.querySelector("form");
    const choose = (name, value) => {
      const select = form.elements[name];
      select.value = value || "";
      if (select.value !== (value || "")) select.value = "";
    };
    document.addEventListener("click", (event) => {
      const like = event.target.closest("[data-cell-like]");
      if (like) document.querySelector(`[data-cell="${like.dataset.cellLike}"]`).click();
      const cell = event.target.closest("[data-cell]");
      if (!cell) return;
      const alone = "alone" in cell.dataset;
      const mains = cell.dataset.mains.trim().split(" ");
      form.elements.cell.value = cell.dataset.cell;
      dialog.querySelector("[data-assign-title]").textContent = cell.dataset.title;
      dialog.querySelector("[data-assign-alone]").hidden = !alone;
      dialog.querySelector("[data-assign-second]").hidden = alone;
      choose("main", mains[0]);
      choose("second", alone ? "" : mains[1]);
      choose("reserve", cell.dataset.reserve.trim().split(" ")[0]);
    });
  }
});
