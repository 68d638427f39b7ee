// The submit page: reasons are saved as they are typed; a button that cannot work yet says why.
(() => {
  "use strict";
  document.querySelectorAll("[data-reason-form]").forEach((form) => {
    const input = form.querySelector("input[name='reason']");
    let kept = input.value;
    const save = async () => {
      if (input.value.trim() === kept || !input.value.trim()) return;
      const answer = await window.op.post(form.action, Object.fromEntries(new FormData(form)));
      if (!answer) return;
      if (answer.refused) {
        window.op.say(answer.refused, true);
        return;
      }
      kept = input.value.trim();
      if (answer.missing === 0) location.reload();
    };
    input.addEventListener("change", save);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      save();
    });
  });
})();
