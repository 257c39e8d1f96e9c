// One search, live: where it stands, learning curves, scores by trial, the leaderboard.

import { curves, dots } from "./chart.js";
import { bar, counted, duration, element, percent, score, show } from "./dom.js";
import { describe } from "./cell.js";
import { extraOf } from "./kinds.js";
import { ask, follow } from "./stream.js";

const SHOWN_CURVES = 40, SHOWN_ROWS = 50, DRAW_PAUSE = 250, EXTRA_PAUSE = 2000, FETCHES = 4;

export async function followSearch(id, signal) {
  const view = new SearchView(id, signal);
  await follow(`/v1/searches/${id}/events`, (name, data) => view.take(name, data), (state) => view.connection(state), signal);
}

class SearchView {
  constructor(id, signal) {
    this.id = id;
    this.signal = signal;
    this.search = null;
    this.trials = new Map();
    this.points = new Map(); // trial number -> Map(iteration -> score)
    this.asked = new Set();
    this.asking = 0;
    this.state = "";
    this.waiting = false;
    this.parts = Object.fromEntries(["head", "steps", "extra", "curves", "dots", "board"].map((name) => [name, element("div", { class: name === "head" ? "" : "card" })]));
    this.shown = false;
  }

  take(name, data) {
    if (name === "trial") {
      this.trials.set(data.number, data);
      if (data.score !== null) this.curve(data.number).set(data.iteration, data.score);
    } else {
      this.search = data;
      this.refresh(name === "end");
    }
    this.soon();
  }

  connection(state) {
    this.state = state;
    this.soon();
  }

  curve(number) {
    if (!this.points.has(number)) this.points.set(number, new Map());
    return this.points.get(number);
  }

  // What a kind of search shows beside its trials: asked for when the search changed, at most every two seconds.
  refresh(end) {
    const extra = extraOf(this.search);
    if (extra === undefined || (this.refreshing && !end)) return;
    this.refreshing = true;
    ask(extra.path, { signal: this.signal })
      .then((data) => this.parts.extra.replaceChildren(...extra.draw(data)))
      .catch(() => {})
      .finally(() => setTimeout(() => { this.refreshing = false; }, EXTRA_PAUSE));
  }

  soon() {
    if (this.waiting || this.search === null) return;
    this.waiting = true;
    setTimeout(() => { this.waiting = false; if (!this.signal.aborted) this.draw(); }, this.shown ? DRAW_PAUSE : 50);
  }

  draw() {
    const { head, steps, extra, curves: left, dots: right, board } = this.parts;
    if (!this.shown) show(head, steps, extraOf(this.search) && extra, element("div", { class: "pair" }, left, right), board);
    this.shown = true;
    document.title = `${this.search.name} - Segnas`;
    const ranked = [...this.trials.values()].sort(byRank);
    head.replaceChildren(...this.drawHead());
    steps.replaceChildren(this.drawSteps());
    left.replaceChildren(...this.drawCurves(ranked));
    right.replaceChildren(...this.drawDots());
    board.replaceChildren(...this.drawBoard(ranked));
    this.complete(ranked);
  }

  drawHead() {
    const { search } = this;
    const over = ["completed", "failed", "stopped", "stopping"].includes(search.status);
    const safe = /^https?:/.test(search.dashboard ?? "");
    return [
      element("div", { class: "line" }, element("a", { href: "#/" }, "All searches"), element("span", { class: "muted" }, this.state)),
      element("div", { class: "line" }, element("h1", {}, search.name), element("span", { class: `pill ${search.status}` }, search.status),
        element("code", { class: "muted" }, search.id),
        element("span", { class: "push" }),
        safe && element("a", { href: search.dashboard, target: "_blank", rel: "noopener" }, "Ray job"),
        (search.best || (search.kind === "auto_deeplab" && !search.spec.scoring)) && element("button", { onclick: () => this.save() }, "Save best.json"),
        !over && element("button", { onclick: () => this.stop() }, "Stop")),
      search.message && search.status !== "completed" && element("p", { class: search.status === "failed" ? "wrong" : "muted" }, search.message),
    ].filter(Boolean);
  }

  drawSteps() {
    const { search } = this;
    const counts = counted(search.trials);
    const rows = [];
    if (search.stage && search.stage.name !== "trials") {
      rows.push(element("span", {}, search.stage.name), bar([["running", search.stage.done]], search.stage.total),
        element("span", { class: "muted" }, `${Math.round(percent(search.stage.done, search.stage.total))} %`));
    }
    const said = counts.map(([status, count]) => `${count} ${status}`).join(", ");
    if (search.planned) rows.push(element("span", {}, "trials"), bar(counts, search.planned),
      element("span", { class: "muted" }, said ? `${said} of ${search.planned}` : `0 of ${search.planned}`));
    if (search.best) {
      rows.push(element("span", {}, "best"), element("strong", {}, `${score(search.best.score)} mIoU`),
        element("span", { class: "muted" }, `trial ${search.best.number} at iteration ${search.best.iteration}`));
    }
    const { cost, forecast } = search;
    if (cost?.device_seconds || forecast) rows.push(element("span", {}, "cost"), element("span", {}, `${duration(cost?.device_seconds ?? 0)} of device time`),
      element("span", { class: "muted", title: forecast?.basis }, forecast && `forecast: ${duration(forecast.device_seconds)}`));
    return element("div", { class: "steps" }, rows);
  }

  drawCurves(ranked) {
    const lines = ranked.slice(0, SHOWN_CURVES).reverse().map((trial) => ({
      label: `trial ${trial.number}`,
      kind: this.kind(trial),
      points: [...this.curve(trial.number)].sort((a, b) => a[0] - b[0]),
    })).filter((line) => line.points.length);
    const legend = ["best", "completed", "pruned", "running"].map((kind) => element("span", {}, element("i", { class: kind }), kind));
    return [element("h2", {}, "Learning curves (validation mIoU)"), curves(lines, "iterations"), element("div", { class: "legend" }, legend)];
  }

  drawDots() {
    const deepest = Math.max(0, ...[...this.trials.values()].map((trial) => trial.iteration ?? 0));
    const marks = [...this.trials.values()].filter((trial) => trial.score !== null && trial.iteration === deepest).sort((a, b) => a.number - b.number)
      .map((trial) => ({ x: trial.number, y: trial.score, kind: this.kind(trial), label: `trial ${trial.number}: ${score(trial.score)}` }));
    return [element("h2", {}, deepest ? `Scores at iteration ${deepest}, and the best so far` : "Scores"), dots(marks, "trial")];
  }

  drawBoard(ranked) {
    const heads = ["", "Trial", "mIoU", "Iteration", "Status", "Time", "Attempt", "Architecture"];
    const rows = ranked.slice(0, SHOWN_ROWS).map((trial, index) => element("tr", { class: this.kind(trial) === "best" ? "chosen" : "" },
      element("td", { class: "number muted" }, trial.score === null ? "" : String(index + 1)),
      element("td", { class: "number" }, `#${trial.number}`),
      element("td", { class: "number" }, score(trial.score)),
      element("td", { class: "number" }, trial.iteration === null ? "" : String(trial.iteration)),
      element("td", {}, element("span", { class: `pill ${trial.status}` }, trial.status)),
      element("td", { class: "number" }, duration(trial.seconds)),
      element("td", { class: "number" }, String(trial.attempt)),
      element("td", {}, trial.reason && element("div", { class: "wrong" }, trial.reason), element("code", {}, describe(trial.architecture)))));
    const more = ranked.length > SHOWN_ROWS ? `, the first ${SHOWN_ROWS} of ${ranked.length}` : "";
    return [element("h2", {}, `Leaderboard${more}`), element("table", {},
      element("thead", {}, element("tr", {}, heads.map((head) => element("th", {}, head)))), element("tbody", {}, rows))];
  }

  kind(trial) {
    return this.search.best?.number === trial.number ? "best" : trial.status;
  }

  // Events tell a trial's last rung; the rungs before are asked for once, for the trials that are drawn.
  complete(ranked) {
    for (const trial of ranked.slice(0, SHOWN_CURVES)) {
      if (this.asking >= FETCHES) return;
      if (trial.score === null || this.asked.has(`${trial.number}:${trial.iteration}`)) continue;
      this.asked.add(`${trial.number}:${trial.iteration}`);
      this.asking += 1;
      ask(`/v1/searches/${this.id}/trials/${trial.number}`, { signal: this.signal })
        .then((detail) => { for (const point of detail.curve) this.curve(trial.number).set(point.iteration, point.score); })
        .catch(() => {})
        .finally(() => { this.asking -= 1; this.soon(); });
    }
  }

  async stop() {
    if (!confirm("Stop this search? What it has measured stays.")) return;
    await ask(`/v1/searches/${this.id}/stop`, { method: "POST" }).catch((error) => alert(error.message));
  }

  async save() {
    const best = await ask(`/v1/searches/${this.id}/best`).catch((error) => alert(error.message));
    if (!best) return;
    const url = URL.createObjectURL(new Blob([JSON.stringify(best, null, 2)], { type: "application/json" }));
    const link = element("a", { href: url, download: `best-${this.id}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}

// Scores of different rungs do not compare: deeper rungs first, as the service ranks the best.
function byRank(a, b) {
  const depth = (trial) => (trial.status === "failed" ? -2 : trial.score === null ? -1 : trial.iteration);
  return depth(b) - depth(a) || (b.score ?? 0) - (a.score ?? 0) || a.number - b.number;
}
