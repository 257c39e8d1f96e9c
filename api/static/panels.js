// Draws the panels of a search as the service sends them: by their type, with every text in its final form.

import { asking } from "./asking.js";
import { Chart } from "./chart.js";
import { choices } from "./choices.js";
import { commands } from "./commands.js";
import { bar, card, element, keepFocus, refocus } from "./dom.js";
import { pictures, swatch } from "./pictures.js";
import { drawingPlace } from "./drawing.js";
import { ask, Refused } from "./stream.js";

const PAUSE = 2000;

const DRAW = {
  bars: ({ title, bars, notes }) => [chartOfBars(title, bars), notes.map(remark)],
  table: ({ title, columns, rows }) => table(title, columns, rows),
  pictures,
  commands: (panel) => commands(panel.commands),
  ask: asking,
  links: ({ links }) => links.map(({ text, link, target }) => element("p", {}, text, " ", target ? element("a", { href: target }, link) : link)),
  drawing: ({ path, file }) => drawingPlace(path, file),
  text: ({ lines, style }) => style === "code" ? element("pre", { tabindex: 0 }, element("code", {}, lines.join("\n")))
    : lines.map((line) => element("p", { class: style }, line)),
};

// Panels that are charts, as chart.js takes them: when another one comes in their place, the chart stays, and a zoom with it.
const CHARTS = {
  lines: ({ lines, x_text, x_log, y_text, y_log, legend, steps }) => ({
    x: { text: x_text, log: x_log, zero: !x_log, whole: true }, y: { text: y_text, log: y_log }, legend, series: lines.map((line) => ({ line: steps ? "stairs" : "straight", ...line })),
  }),
  scatter: ({ points, x_text, x_log, y_text, y_log, lines, legend }) => ({
    x: { text: x_text, log: x_log }, y: { text: y_text, log: y_log }, legend,
    series: [...lines.map((line) => ({ line: "step", dots: false, ...line })), ...marked(points)],
  }),
  spans: ({ spans, x_text, x_log, y_text, legend }) => ({
    low: rowNames(spans).length < 3, x: { text: x_text, log: x_log }, y: { text: y_text, labels: rowNames(spans) }, legend, series: [],
    spans: spans.map(({ start, end, row, mark, text }) => ({ from: start, to: end, y: row, mark, text })),
  }),
};

function rowNames(spans) {
  return Array.from({ length: 1 + Math.max(0, ...spans.map(({ row }) => row)) }, (_, row) => String(row + 1));
}

function remark(text) {
  return element("p", { class: "muted remark" }, text);
}
// A name is shortened where it stands at an axis; the row's tip has it in full.
const AXIS_TEXT = innerWidth < 600 ? 18 : 28;

CHARTS.intervals = ({ x_text, rows, zero, lines }) => ({
  along: "x", low: rows.length < 3, legend: lines.map(({ mark, text }) => ({ mark, text })), x: { text: x_text }, y: { labels: [...rows].reverse().map(({ text }) => (text.length > AXIS_TEXT ? `${text.slice(0, AXIS_TEXT - 1)}…` : text)) },
  series: [
    ...[...(zero ? [{ x: 0, text: "0", mark: "stopped" }] : []), ...lines].map(({ x, text, mark }) => ({ text, mark, line: "straight", dots: false, points: [[x, -0.5], [x, rows.length - 0.5]] })),
    { text: "results", mark: "pruned", points: rows.flatMap(({ points, text }, index) => points.map((x) => ({ x, y: rows.length - 1 - index, text: `${text}: ${x.toFixed(4)}` }))) },
    ...marked(rows.flatMap(({ value, low, high, text, value_text: written, mark }, index) => (value === null ? [] : [{ x: value, y: rows.length - 1 - index, low, high, mark, text: `${text}: ${written}` }]))),
  ],
});

export class Panels {
  constructor(id, signal) {
    this.path = `/v1/searches/${id}/panels`;
    this.signal = signal;
    this.cards = { answer: card("answer", { hidden: true }), analysis: card("analysis", { hidden: true }) };
    this.stale = false;
    this.requesting = false;
    for (const place of Object.values(this.cards)) place.addEventListener("asked", () => this.refresh());
  }

  // Requests the panels again when the search has changed, and while some are being made, at most every two seconds.
  async refresh() {
    this.stale = true;
    if (this.requesting) return;
    this.requesting = true;
    while (this.stale && !this.signal.aborted) {
      this.stale = false;
      const panels = await ask(this.path, { signal: this.signal }).catch((error) => (error instanceof Refused && !error.passing ? [] : null));
      if (panels === null) this.stale = true;
      else this.show(panels);
      if (panels?.some(({ pending }) => pending)) this.stale = true;
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    this.requesting = false;
  }

  show(panels) {
    for (const [name, place] of Object.entries(this.cards)) {
      const own = panels.filter(({ part }) => part === name);
      redraw(place, own);
      place.hidden = !own.length;
    }
  }
}

export function draw(panel) {
  const { type, title } = panel;
  if (type === "row") return element("div", { class: "pair" }, panel.panels.map(draw));
  const live = type === "choices" && choices(panel), chart = CHARTS[type] && new Chart({ name: title, ...CHARTS[type](panel) });
  const place = element("div", { class: `panel ${type}` }, title && element("h2", {}, title),
    chart ? [chart.element, (panel.notes ?? []).map(remark)] : live ? live.elements : DRAW[type]?.(panel));
  return Object.assign(place, { chart, live, of: JSON.stringify(panel.choices), drawnFrom: JSON.stringify(panel) });
}

// Changes the panels in a place: one that is as before stays, with what is open, focused and selected in it.
export function redraw(place, panels) {
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  panels.forEach((panel, index) => {
    const before = place.children[index];
    if (panel.type === "row" && before?.className === "pair") redraw(before, panel.panels);
    else if (before?.drawnFrom === JSON.stringify(panel)) return;
    else if (before?.live && before.firstChild.textContent === panel.title && before.of === JSON.stringify(panel.choices)) {
      before.live.show(panel);
      before.drawnFrom = JSON.stringify(panel);
    } else if (before?.chart && before.className === `panel ${panel.type}` && before.firstChild.textContent === panel.title) {
      before.chart.show({ name: panel.title, ...CHARTS[panel.type](panel) });
      before.chart.element.after(...remarksAfter(before, panel));
      before.drawnFrom = JSON.stringify(panel);
    } else if (before) replace(before, draw(panel));
    else place.append(draw(panel));
  });
  while (place.children.length > panels.length) place.lastChild.remove();
  if (held && document.activeElement === document.body) refocus(held, place); // its panel is gone, or one without anything to press
}

// The keyboard stays where it was, as far as there is something alike.
function replace(before, after) {
  keepFocus(before, () => {
    before.replaceWith(after);
    return after;
  });
}

// The remarks below a chart that stays, in place of those that were there.
function remarksAfter(place, { notes }) {
  for (const before of place.querySelectorAll(":scope > .remark")) before.remove();
  return (notes ?? []).map(remark);
}

// Points as series of one mark each, in the order in which the marks first come; the best ones are drawn last.
export function marked(points) {
  const marks = [...new Set(points.map(({ mark }) => mark))].sort((a, b) => (a === "best") - (b === "best"));
  return marks.map((mark) => ({ mark, text: mark, points: points.filter((point) => point.mark === mark) }));
}

function chartOfBars(title, bars) {
  return element("table", { class: "bars", "aria-label": title || null }, element("tbody", {}, bars.map(({ text, value, value_text: written, colour }) => element("tr", {},
    element("th", { scope: "row" }, colour && swatch(colour), text),
    element("td", {}, value !== null && bar([["completed", value]], 1, written)),
    element("td", { class: "number" }, written)))));
}

function table(title, columns, rows) {
  return element("table", { "aria-label": title || null },
    columns.some(({ text }) => text) && element("thead", {}, element("tr", {}, columns.map(({ text }) => (text ? element("th", { scope: "col" }, text) : element("td"))))),
    element("tbody", {}, rows.map((row) => element("tr", {},
      row.map((cell, index) => element("td", { class: columns[index].numeric && "number" }, cell))))));
}
