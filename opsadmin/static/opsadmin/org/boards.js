// Boards of the organisation: rows of a tree that open and close, cells of the store team that open their dialog, and
// fields that find an employee or a position while one types.
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

  document.querySelectorAll("[data-find]").forEach((field, place) => {
    const list = document.createElement("ul");
    Object.assign(list, { id: `ob-found-${place}`, className: "ob-found", hidden: true });
    list.setAttribute("role", "listbox");
    field.after(list);
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", list.id);
    let asked = 0;
    let timer;
    const show = (open) => {
      list.hidden = !open;
      field.setAttribute("aria-expanded", String(open));
      if (!open) field.removeAttribute("aria-activedescendant");
    };
    const mark = (row) => {
      [...list.children].forEach((other) => other.setAttribute("aria-selected", String(other === row)));
      field.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    };
    const take = (row) => {
      field.value = row.dataset.value;
      show(false);
      if ("sendWhenFound" in field.dataset) field.form.requestSubmit();
    };
    const find = async () => {
      const mine = ++asked;
      const text = field.value.trim();
      const answer = text ? await fetch(`${field.dataset.find}?${new URLSearchParams({ q: text })}`, { credentials: "same-origin" }).then((sent) => sent.json()).catch(() => ({ found: [] })) : { found: [] };
      if (mine !== asked) return;
      list.replaceChildren(...answer.found.map(({ value, label }, number) => {
        const row = document.createElement("li");
        Object.assign(row, { id: `${list.id}-${number}`, textContent: label });
        row.setAttribute("role", "option");
        row.dataset.value = value;
        return row;
      }));
      show(list.children.length > 0);
      if (list.firstChild) mark(list.firstChild);
    };
    show(false);
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 150); });
    field.addEventListener("blur", () => setTimeout(() => show(false), 150));
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => { const row = event.target.closest("li"); if (row) take(row); });
    field.addEventListener("keydown", (event) => {
      if (list.hidden || event.isComposing) return;
      const rows = [...list.children];
      const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by) mark(rows[(at + by + rows.length) % rows.length]);
      else if (event.key === "Enter" && at >= 0) take(rows[at]);
      else if (event.key === "Escape") show(false);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  });

  const dialog = document.getElementById("ob-assign");
  if (dialog) {
    const form = dialog.querySelector("form");
    const choose = (name, value) => {
      const field = form.elements[name];
      field.value = value || "";
      if (field.value !== (value || "")) field.value = "";
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
