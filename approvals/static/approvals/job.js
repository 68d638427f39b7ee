// A job's page: asks how far it is until it has ended, then loads the page again with what came of it.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const { $, $$, say, banner } = window.op;
  const card = $("[data-job]");
  if (!card) return;
  const bar = $("progress", card);
  const words = $("[data-job-words]", card);
  const steps = $$("[data-step]", card);
  let missed = 0;

  const showStep = (code) => {
    const now = Math.max(steps.findIndex((step) => step.dataset.step === code), 0);
    steps.forEach((step, place) => {
      const mark = $("[data-mark]", step);
      mark.className = `op-task-n${place < now ? " is-done" : place === now ? " is-now" : ""}`;
      mark.innerHTML = place < now ? $("[data-check]", card).innerHTML : mark.dataset.mark;
      $("b", step).classList.toggle("op-muted", place > now);
    });
  };
  const ask = async () => {
    const answer = await fetch(card.dataset.job, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer || !answer.ok) {
      missed += 1;
      if (missed === 5) banner("warn", card.dataset.lost);
      setTimeout(ask, 2000 * Math.min(missed, 5));
      return;
    }
    missed = 0;
    const state = await answer.json();
    if (!state.open) { location.reload(); return; }
    if (words.textContent !== state.words) words.textContent = state.words;
    showStep(state.step);
    if (bar && state.total) { bar.max = state.total; bar.value = state.done; }
    setTimeout(ask, steps.length ? 600 : 1000);
  };
  say(words.textContent);
  setTimeout(ask, steps.length ? 300 : 500);
});
