// Taking a store's file: the page stays, and shows afterwards who took which bytes. Without this script the form
// downloads the file just the same.
(() => {
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const { $, $$, banner, release } = window.op;
  const form = $("form[data-download]");
  const receipt = $("form[enctype]");
  let touched = false;
  receipt?.addEventListener("input", () => { touched = true; });

  const nameOf = (answer) => /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];

  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = $$("button", form);
    if (buttons.some((button) => button.disabled)) return;
    const data = new FormData(form);
    buttons.forEach((button) => { button.disabled = true; button.setAttribute("aria-busy", "true"); });
    const texts = $("[data-texts]").dataset;
    try {
      const answer = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "application/json" } });
      const name = nameOf(answer);
      if (answer.ok && name) {
        save(await answer.blob(), name);
        // A reload at once would take the bytes away before the browser has them.
        if (!touched) { setTimeout(() => location.reload(), 1000); return; }
      } else if (answer.status === 409) banner("block", (await answer.json()).refused);
      else banner("block", answer.redirected ? texts.again : texts.failed);
    } catch {
      banner("block", navigator.onLine ? texts.failed : texts.offline);
    }
    release(form);
  });
});
})();
