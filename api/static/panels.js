// Draws the panels of a search as the service sends them: by their type, with every text in its final form.

import { curves, legend, scatter } from "./chart.js";
import { bar, card, element } from "./dom.js";
import { ask, Refused } from "./stream.js";
import { trellis } from "./trellis.js";

const PAUSE = 2000;

const DRAW = {
  lines: (panel) => [curves(panel.lines, panel.x_text), panel.legend.length > 0 && legend(panel.legend)],
  scatter: (panel) => scatter(panel.points, panel.x_text, panel.y_text),
  bars: ({ bars }) => chartOfBars(bars),
  table: ({ columns, rows }) => table(columns, rows),
  trellis: ({ path, places, levels }) => trellis(path, places, levels),
  text: ({ lines, style }) => style === "code" ? element("pre", { tabindex: 0 }, element("code", {}, lines.join("\n")))
    : lines.map((line) => element("p", { class: style }, line)),
};

export class Panels {
  constructor(id, signal) {
    this.path = `/v1/searches/${id}/panels`;
    this.signal = signal;
    this.card = card("answer", { hidden: true });
    this.stale = false;
    this.requesting = false;
  }

  // Requests the panels again when the search has changed, at most every two seconds. A search without panels never gets any.
  async refresh() {
    this.stale = true;
    if (this.requesting) return;
    this.requesting = true;
    while (this.stale && !this.signal.aborted) {
      this.stale = false;
      const panels = await ask(this.path, { signal: this.signal }).catch((error) => (error instanceof Refused && error.status < 500 ? [] : null));
      if (panels === null) this.stale = true;
      else if (!panels.length) return;
      else this.show(panels);
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    this.requesting = false;
  }

  show(panels) {
    this.card.replaceChildren(...panels.map(draw));
    this.card.hidden = false;
  }
}

export function draw(panel) {
  if (panel.type === "row") return element("div", { class: "pair" }, panel.panels.map(draw));
  return element("div", { class: `panel ${panel.type}` }, panel.title && element("h2", {}, panel.title), DRAW[panel.type]?.(panel));
}

function chartOfBars(bars) {
  return element("table", { class: "bars" }, element("tbody", {}, bars.map(({ text, value, value_text: written }) => element("tr", {},
    element("th", { scope: "row" }, text),
    element("td", {}, value !== null && bar([["completed", value]], 1, written)),
    element("td", { class: "number" }, written)))));
}

function table(columns, rows) {
  return element("table", {},
    columns.some(({ text }) => text) && element("thead", {}, element("tr", {}, columns.map(({ text }) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, rows.map((row) => element("tr", {},
      row.map((cell, index) => element("td", { class: columns[index].numeric && "number" }, cell))))));
}
