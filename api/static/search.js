// One search, live: its status, learning curves, scores by trial, the leaderboard.

import { mayChange, mayEnterDashboard, ownerLink } from "./access.js";
import { actionButtons, editButton } from "./actions.js";
import { Board } from "./board.js";
import { Chart } from "./chart.js";
import { commands } from "./commands.js";
import { bar, card, counted, download, element, notice, percent, renew, save, say, show, unbroken } from "./dom.js";
import { marked, Panels } from "./panels.js";
import { ask, askText, follow } from "./stream.js";

const SHOWN_CURVES = 40, DRAW_PAUSE = 250;

export async function followSearch(id, signal) {
  const view = new SearchView(id, signal);
  await follow(`/v1/searches/${id}/events?drawn=true`, (name, data) => view.receive(name, data), (state) => view.connection(state), signal);
}

class SearchView {
  constructor(id, signal) {
    this.id = id;
    this.signal = signal;
    this.search = null;
    this.board = { items: [], total: 0 }; // the first rows of the leaderboard, and the number of trials
    this.scores = { title: "Scores", y_text: "", points: [], best_so_far: [] };
    this.state = "";
    this.error = "";
    this.ended = false;
    this.waiting = false;
    this.panels = new Panels(id, signal);
    this.table = new Board(id, signal);
    this.outage = notice();
    this.told = element("p", { class: "unseen", role: "status" }); // read out when the search becomes something else
    this.parts = Object.fromEntries(["head", "progress", "next", "learning curves", "scores"].map((name) => [name, name === "head" ? element("div") : card(name)]));
    this.shown = false;
  }

  receive(name, data) {
    if (name === "leaderboard") this.board = data;
    else if (name === "scores") this.scores = data;
    else {
      this.search = data;
      this.ended = name === "end";
      this.panels.refresh();
    }
    this.soon();
  }

  connection(state) {
    this.state = state;
    const lost = state === "lost" && `The service does not answer: trying again.${this.shown ? " What is below may be out of date." : ""}`;
    say(this.outage, lost || "");
    if (lost && !this.shown) show(this.outage);
    this.soon();
  }

  soon() {
    if (this.waiting || this.search === null) return;
    this.waiting = true;
    setTimeout(() => { this.waiting = false; if (!this.signal.aborted) this.draw(); }, this.shown ? DRAW_PAUSE : 50);
  }

  draw() {
    const { head, progress: steps, next, "learning curves": left, scores: right } = this.parts;
    document.title = `${this.search.name} - Segnas`;
    const { name, status, message, actions, exportable, dashboard, notes, tags } = this.search;
    if (this.shown && this.status && this.status !== status) say(this.told, `${name}: ${status}${this.search.best ? `, best ${this.search.best.worth}` : ""}`);
    this.status = status;
    renew(head, [name, status, message, actions, exportable, dashboard, notes, tags, this.state, this.error], () => this.drawHead());
    const { stage, trials, planned, best, cost, forecast } = this.search;
    const found = this.board.items.find(({ number }) => number === best?.number)?.text;
    renew(steps, [stage, trials, planned, best, found, cost, forecast], () => [this.drawSteps(found)]);
    const words = this.nextSteps();
    renew(next, words, () => words.map((line) => (line === this.search.next_command ? commands([{ text: "With the command line", command: line }]) : element("p", {}, line))));
    next.hidden = !next.children.length;
    this.drawCurves();
    this.drawDots();
    this.table.show(this.board, this.search.best?.number, this.search.objectives[0]);
    if (!this.shown) show(this.outage, this.told, head, steps, next, this.panels.cards.answer, element("div", { class: "pair" }, left, right), this.panels.cards.analysis, this.table.card);
    this.shown = true;
  }

  drawHead() {
    const { search } = this;
    const entered = mayEnterDashboard() && /^https?:/.test(search.dashboard ?? "");
    return [
      element("div", { class: "line" }, element("a", { href: "#/" }, "All searches"), this.state === "live" && element("span", { class: "muted" }, "live")),
      element("div", { class: "line" }, element("h1", {}, search.name), element("span", { class: `pill ${search.status}` }, search.status),
        element("code", { class: "muted" }, search.id), ownerLink(search),
        element("span", { class: "push" }),
        entered && element("a", { href: search.dashboard, target: "_blank", rel: "noopener" }, "Ray job"),
        search.exportable && element("button", { onclick: () => this.save() }, "Save best.json"),
        element("button", { onclick: () => this.saveReport() }, "Save report"),
        mayChange(search) && [actionButtons(search, (error) => this.acted(error)), editButton(search, (error) => this.acted(error))]),
      this.error && element("p", { class: "wrong", role: "alert" }, this.error),
      (search.notes || search.tags.length > 0) && element("p", { class: "notes" },
        search.tags.map((tag) => [element("a", { class: "tag", href: `#/?${new URLSearchParams({ tag })}` }, tag), " "]), search.notes),
      search.message && element("p", { class: search.status === "failed" ? "wrong" : "muted" }, search.message),
    ].filter(Boolean);
  }

  // What to do with it, or what it waits for.
  nextSteps() {
    const { next_command: command, trials, stage, status, actions } = this.search, over = actions.includes("delete");
    const begun = counted(trials).length > 0;
    if (begun || command) return command ? [command] : [];
    if (over) return [`It ended before any trial began${actions.includes("resume") ? ": Resume starts it again" : ""}.`];
    if (status === "queued" || status === "starting") return ["No trial has begun: it waits to be started."];
    return [stage && stage.name !== "trials" ? `No trial has begun: first comes the stage ${stage.name}.` : "No trial has begun."];
  }

  // found: the best architecture in a line, where it is among the first of the leaderboard.
  drawSteps(found) {
    const { search } = this;
    const counts = counted(search.trials);
    const rows = [];
    if (search.stage && search.stage.name !== "trials") {
      rows.push(element("span", {}, search.stage.name), bar([["running", search.stage.done]], search.stage.total),
        element("span", { class: "muted" }, `${Math.round(percent(search.stage.done, search.stage.total))} %`));
    }
    const text = counts.map(([status, count]) => `${count} ${status}`).join(", ");
    if (search.planned) rows.push(element("span", {}, "trials"), bar(counts, search.planned),
      element("span", { class: "muted" }, text ? `${text} of ${search.planned}` : `0 of ${search.planned}`));
    if (search.best) {
      rows.push(element("span", {}, "best"), element("strong", {}, search.best.worth),
        element("span", { class: "muted" }, element("a", { href: `#/${search.id}/${search.best.number}` }, search.best.named), ` at iteration ${search.best.iteration}`));
      if (found) rows.push(element("span"), element("code", {}, unbroken(found)), element("span"));
    }
    if (search.leaderboard_first) {
      rows.push(element("span", {}, "leaderboard"), element("span", {}, `begins with ${search.leaderboard_first.worth}`),
        element("span", { class: "muted" }, `${search.leaderboard_first.named} at iteration ${search.leaderboard_first.iteration}`));
    }
    const { cost, forecast } = search;
    if (cost.device_seconds || forecast) rows.push(element("span", {}, "cost"), element("span", {}, `${cost.duration} of device time`),
      element("span", { class: "muted", title: forecast?.basis }, forecast && `forecast: ${forecast.duration}`));
    return element("div", { class: "steps" }, rows);
  }

  drawCurves() {
    const series = this.board.items.slice(0, SHOWN_CURVES).reverse().map((trial) => ({
      text: `trial ${trial.number}`,
      mark: this.mark(trial),
      line: "straight",
      points: trial.scores.map((point) => [point.iteration, point.score]),
    })).filter((line) => line.points.length);
    const legend = ["best", "completed", "pruned", "running", "failed", "stopped"].filter((mark) => series.some((line) => line.mark === mark)).map((mark) => ({ mark, text: mark }));
    this.chart("learning curves", { x: { text: "iterations", whole: true, zero: true }, y: { text: "mIoU" }, series, legend }, "Learning curves (validation mIoU)");
  }

  drawDots() {
    const { title, y_text: of, points, best_so_far: best } = this.scores;
    const last = points.at(-1), steps = best.length ? [...best, [last.x, best.at(-1)[1]]] : [];
    const series = [{ text: "best so far", mark: "best", line: "step", dots: false, points: steps }, ...marked(points)];
    this.chart("scores", { x: { text: "trial", whole: true, zero: true }, y: { text: of }, series }, title);
  }

  // A chart of the live events stays the same element, so that a zoom and the keyboard's place in it stay too.
  chart(name, spec, title) {
    const place = this.parts[name];
    if (place.drawnFrom === JSON.stringify([spec, title])) return;
    place.drawnFrom = JSON.stringify([spec, title]);
    if (!place.chart) {
      Object.assign(place, { chart: new Chart({ ...spec, name: title }) });
      place.replaceChildren(element("h2", {}), place.chart.element);
    } else place.chart.show({ ...spec, name: title });
    place.firstChild.textContent = title;
  }

  mark(trial) {
    return this.search.best?.number === trial.number ? "best" : trial.status;
  }

  // After an action: `error` is empty, or says why the service refused. The events of a search that is over have ended, so they
  // are followed anew to see what it became.
  acted(error) {
    this.error = error;
    this.soon();
    if (!error && this.ended) dispatchEvent(new Event("hashchange"));
  }

  async save() {
    const best = await ask(`/v1/searches/${this.id}/best`).catch((error) => { this.error = error.message; this.soon(); });
    if (best) save(best, `best-${this.id}.json`);
  }

  async saveReport() {
    const report = await askText(`/v1/searches/${this.id}/report`).catch((error) => { this.error = error.message; this.soon(); });
    if (report) download(report, "text/html", `report-${this.id}.html`);
  }
}
