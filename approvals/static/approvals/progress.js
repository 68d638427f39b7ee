// The progress of an upload: asks the server until the work has ended, then shows what came of it.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const { $, say, banner } = window.op;
  const card = $("[data-progress]");
  if (!card) return;
  const { stateUrl, doneUrl, lost } = card.dataset;
  const check = $("[data-check]").innerHTML;
  let missed = 0;
  let spoken = "";

  const show = (state) => {
    state.steps.forEach((step) => {
      const item = $(`[data-step="${step.code}"]`, card);
      if (!item) return;
      const mark = $("[data-mark]", item);
      mark.className = `op-task-n${step.state === "done" ? " is-done" : step.state === "now" ? " is-now" : ""}`;
      mark.innerHTML = step.state === "done" ? check : step.n;
      $("[data-name]", item).classList.toggle("op-muted", step.state === "wait");
      $("[data-note]", item).textContent = step.note || "";
      $("[data-seconds]", item).textContent = step.seconds;
      const bar = $("progress", item);
      if (bar) {
        bar.hidden = step.state !== "now";
        bar.max = state.total || 1;
        bar.value = state.done;
      }
    });
    $("[data-progress-title]", card).textContent = state.title;
    // Spoken by step, not by percent: a reader would be talked over otherwise.
    if (state.step !== spoken) { spoken = state.step; say(state.title); }
  };
  const ask = async () => {
    const answer = await fetch(stateUrl, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer || !answer.ok) {
      missed += 1;
      if (missed === 5) banner("warn", lost);
      setTimeout(ask, 2000 * Math.min(missed, 5));
      return;
    }
    missed = 0;
    const state = await answer.json();
    if (!state.open) { location.replace(doneUrl); return; }
    show(state);
    setTimeout(ask, 600);
  };
  setTimeout(ask, 300);
});
