// How wide words are, and how they are cut: without asking a browser, so that a drawing is a function of its data.

const WIDE = /[\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uff60\u3000-\u303f]/;

const em = (char) => {
  if (WIDE.test(char)) return 1;
  if (/[A-Z]/.test(char)) return 0.68;
  if (/[0-9]/.test(char)) return 0.58;
  if (/[ ·.,:;|il'()[\]/]/.test(char)) return 0.34;
  return 0.58;
};

export const widthOf = (text, size) => {
  let sum = 0;
  for (const char of String(text)) sum += em(char);
  return sum * size;
};

// Cut to a width in pixels, with an ellipsis where something was left out.
export const cut = (text, size, most) => {
  if (widthOf(text, size) <= most) return text;
  let kept = "";
  let sum = size * 0.8;
  for (const char of text) {
    sum += em(char) * size;
    if (sum > most) break;
    kept += char;
  }
  return kept ? `${kept}…` : "";
};

export const escape = (text) => String(text).replace(/[&<>"]/g, (char) => (
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }[char]
));

// fill("Hit %(i)s of %(n)s", {i: 1, n: 3}); texts come translated from the page.
export const fill = (text, values = {}) => text.replace(/%\((\w+)\)[sd]/g, (all, name) => values[name] ?? all);
