// The preview of an upload: the document's number is asked for only where everything is replaced.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const { $, $$ } = window.op;
  const form = $("[data-write-form]");
  if (!form) return;
  const field = $("[data-confirm-number]", form);
  const show = () => {
    const replacing = $("input[name=mode]:checked", form).value === "replace";
    field.hidden = !replacing;
    $$("[data-when]", form).forEach((words) => { words.hidden = (words.dataset.when === "replace") !== replacing; });
    $("input", field).required = replacing;
  };
  $$("input[name=mode]", form).forEach((radio) => radio.addEventListener("change", () => {
    show();
    if (!field.hidden) $("input", field).focus();
  }));
  show();
});
