// The drawing as a file: SVG with its own colours, PNG made of it. Each says its version, its day and its cards.
import { drawingOf, labelOf, setup, view, words } from "./chart.js";
import { chartSvg } from "./draw.js";
import { escape, fill } from "./text.js";

// What browsers hold of a canvas; beyond it they return an empty picture without a word.
export const MOST_SIDE = 16_000;
export const MOST_PIXELS = 120_000_000;
const FOOT = 36;

const rulesOf = () => [...document.styleSheets].flatMap((sheet) => {
  try { return [...sheet.cssRules]; } catch { return []; }
}).filter((rule) => rule.selectorText?.startsWith(".oc ") && !rule.cssText.includes(":hover") && !rule.cssText.includes(":focus")).map((rule) => rule.cssText);

const withColours = (css) => {
  const found = getComputedStyle(document.documentElement);
  return css.replace(/var\((--op-[\w-]+)\)/g, (all, name) => found.getPropertyValue(name).trim() || "inherit");
};

// The whole view as a file of its own: nothing is cut, nothing is selected.
export const svgFile = () => {
  const drawing = drawingOf(view.model, true);
  const plain = (id) => ({ hidden: view.model.hidden(id), advised: setup.advised });
  const inside = chartSvg(drawing, { of: (id) => view.model.of(id), state: plain, words, outside: view.model.outside, label: labelOf(drawing) });
  const foot = fill(words.footer, { version: view.model.version, date: view.model.on, n: drawing.boxes.length });
  const [width, height] = [Math.ceil(drawing.width), Math.ceil(drawing.height) + FOOT];
  const css = withColours(`${rulesOf().join("\n")} .oc .paper { fill: var(--op-canvas); }`);
  const text = `<svg xmlns="http://www.w3.org/2000/svg" class="oc" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" data-cards="${drawing.boxes.length}" data-version="${view.model.version}" data-on="${view.model.on}">`
    + `<title>${escape(labelOf(drawing))}</title><style>${css.replace(/</g, "")}</style><rect class="paper" width="100%" height="100%"/>${inside}`
    + `<text class="h" x="28" y="${height - 14}">${escape(`${view.model.path.map((one) => one.title).join(" › ")} · ${foot}`)}</text></svg>`;
  return { text, width, height, cards: drawing.boxes.length };
};

// How far a picture has to shrink; 0 where even that would leave nothing to read.
export const scaleFor = (width, height) => {
  const most = Math.min(2, MOST_SIDE / width, MOST_SIDE / height, Math.sqrt(MOST_PIXELS / (width * height)));
  return most < 0.35 ? 0 : most;
};

const save = (blob, ending) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${words.file} v${view.model.version} ${view.model.on}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

export const pngFile = async ({ text, width, height }) => {
  const scale = scaleFor(width, height);
  if (!scale) return null;
  const picture = new Image();
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    picture.src = address;
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(width * scale);
    canvas.height = Math.floor(height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => { canvas.toBlob(done, "image/png"); });
    return blob && { blob, scale };
  } finally {
    URL.revokeObjectURL(address);
  }
};

const complain = (sentence) => { window.op?.banner("warn", sentence); window.op?.say(sentence); };

export const download = async (kind) => {
  const made = svgFile();
  if (kind === "svg") { save(new Blob([made.text], { type: "image/svg+xml" }), "svg"); return; }
  const picture = await pngFile(made);
  if (!picture) { complain(fill(words.png_too_large, { n: made.cards })); return; }
  if (picture.scale < 1) complain(fill(words.png_smaller, { n: Math.round(picture.scale * 100) }));
  save(picture.blob, "png");
};
