// A job's page: asks how far it is until it has ended, then loads the page again with what came of it.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const { $, say, banner } = window.op;
  const card = $("[data-job]");
  if (!card) return;
  const bar = $("progress", card);
  const words = $("[data-job-words]", card);
  let missed = 0;
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
    if (state.total) { bar.max = state.total; bar.value = state.done; }
    setTimeout(ask, 1000);
  };
  say(words.textContent);
  setTimeout(ask, 500);
});
