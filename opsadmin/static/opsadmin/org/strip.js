// The strip of days: a dot for each version, a diamond for what waits, a thumb for the day that is shown.
import { escape, fill } from "./text.js";

const DAY = 86_400_000;
const SIDE = 24;
const dayOf = (text) => Math.round(Date.parse(`${text}T00:00:00Z`) / DAY);
export const textOf = (day) => new Date(day * DAY).toISOString().slice(0, 10);

// The days between which the strip runs: a year around today, more where versions or plans lie further away.
const rangeOf = ({ versions, scheduled }, today) => {
  const days = [...versions.slice(-12), ...scheduled].map((one) => dayOf(one.on));
  return [Math.min(dayOf(today) - 320, ...days.filter((day) => day > dayOf(today) - 800)), Math.max(dayOf(today) + 120, ...days) + 20];
};

const ticks = (low, high, x) => {
  let drawn = "";
  const at = new Date(low * DAY);
  at.setUTCDate(1);
  for (;;) {
    at.setUTCMonth(at.getUTCMonth() + 1);
    const day = Math.round(at.getTime() / DAY);
    if (day > high) return drawn;
    const quarter = at.getUTCMonth() % 3 === 0;
    drawn += `<line class="tick" x1="${x(day)}" y1="29" x2="${x(day)}" y2="${quarter ? 36 : 33}"/>`;
    if (quarter) drawn += `<text x="${x(day)}" y="51" text-anchor="middle">${textOf(day).slice(0, 7)}</text>`;
  }
};

export const stripSvg = (strip, { today, shown, width, words }) => {
  const [low, high] = rangeOf(strip, today);
  const x = (day) => Math.round(SIDE + ((Math.max(low, Math.min(high, day)) - low) / (high - low)) * (width - 2 * SIDE)) + 0.5;
  const now = dayOf(today);
  const dots = strip.versions.filter((one) => dayOf(one.on) >= low).map((one, index, all) => `<circle class="dot${index === all.length - 1 ? " cur" : ""}" cx="${x(dayOf(one.on))}" cy="28.5" r="4" data-on="${one.on}"><title>${escape(`v${one.number} ${one.on} ${one.title}`)}</title></circle>`);
  const waiting = strip.scheduled.map((one) => `<path class="dot" d="M${x(dayOf(one.on))} 22l6 6.5-6 6.5-6-6.5z" data-on="${one.on}"><title>${escape(one.title)}</title></path>`);
  const next = strip.scheduled[0];
  const label = next ? `<text class="h" x="${x(dayOf(next.on)) + 12}" y="14">${escape(fill(words.scheduled, { title: next.title, date: next.on.slice(5) }))}</text>` : "";
  return `<svg class="oc axis" width="${width}" height="64" role="slider" tabindex="0" aria-label="${escape(words.strip)}" aria-valuemin="${low}" aria-valuemax="${high}" aria-valuenow="${dayOf(shown)}" aria-valuetext="${shown}">`
    + `<line class="axisl" x1="${SIDE - 12}" y1="28.5" x2="${width - SIDE + 12}" y2="28.5"/><rect class="shade" x="${x(now)}" y="26" width="${Math.max(0, width - SIDE - x(now))}" height="5"/>`
    + `${ticks(low, high, x)}${dots.join("")}<text class="ac" x="${x(now)}" y="14" text-anchor="middle">${escape(fill(words.today, { date: today.slice(5) }))}</text>`
    + `${waiting.join("")}${label}<rect class="thumb" x="${x(dayOf(shown)) - 5}" y="20" width="10" height="17" rx="3"/></svg>`;
};

// The days one can step to: those of versions and plans, and today.
export const stops = (strip, today) => [...new Set([...strip.versions, ...strip.scheduled].map((one) => one.on).concat(today))].sort();

export const nearest = (all, strip, today, width, x) => {
  const [low, high] = rangeOf(strip, today);
  const day = low + ((x - SIDE) / (width - 2 * SIDE)) * (high - low);
  return all.reduce((best, one) => (Math.abs(dayOf(one) - day) < Math.abs(dayOf(best) - day) ? one : best));
};
