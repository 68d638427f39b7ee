// The archive's list: what is selected, how much it is, and what can be done with it.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const { $, $$, say, release } = window.op;
  const bar = $("[data-bulkbar]");
  if (!bar) return;
  const boxes = $$("input[name=record]");
  const all = $("[data-bulk-all]");
  const count = $("[data-bulk-count]", bar);
  const size = $("[data-bulk-size]", bar);
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const fill = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const bytes = (amount) => (amount < 1 << 20 ? `${number.format(Math.ceil(amount / 1024))} KB` : `${number.format((amount / (1 << 20)).toFixed(1))} MB`);

  const show = () => {
    const chosen = boxes.filter((box) => box.checked);
    const sum = (name) => chosen.reduce((total, box) => total + Number(box.dataset[name]), 0);
    bar.hidden = !chosen.length;
    all.checked = chosen.length === boxes.length;
    all.indeterminate = chosen.length > 0 && !all.checked;
    boxes.forEach((box) => box.closest("tr").classList.toggle("is-selected", box.checked));
    count.textContent = fill(count.dataset.words, { n: number.format(chosen.length) });
    size.textContent = fill(size.dataset.words, { lines: number.format(sum("lines")), size: bytes(sum("size")) });
  };
  const tell = () => { show(); say(count.textContent); };
  boxes.forEach((box) => box.addEventListener("change", tell));
  all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); tell(); });
  $("[data-bulk-clear]", bar).addEventListener("click", () => { boxes.forEach((box) => { box.checked = false; }); tell(); all.focus(); });
  addEventListener("pageshow", () => { release($("[data-bulk]")); show(); });
  show();
});
