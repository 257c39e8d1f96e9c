// The leaderboard of a search: the first trials live, more of them on request, columns to choose, sorting, a CSV file of all trials.

import { card, download, element, score, unbroken, update } from "./dom.js";
import { ask } from "./stream.js";

const PAGE = 500, STORED = "segnas-columns";

// value: what is sorted by and written to the file; cell: what is shown, where it is something else; hidden: only when chosen.
const COLUMNS = [
  { name: "Rank", value: (trial, rank) => (trial.standing === null ? null : rank), muted: true },
  { name: "Trial", value: (trial) => trial.number, cell: (trial, id) => element("a", { href: `#/${id}/${trial.number}` }, `#${trial.number}`) },
  { name: "mIoU", value: (trial) => trial.score, cell: (trial) => score(trial.score) },
  { name: "Iteration", value: (trial) => trial.iteration },
  { name: "Status", text: true, value: (trial) => trial.status, cell: (trial) => element("span", { class: `pill ${trial.status}` }, trial.status) },
  { name: "Time", value: (trial) => trial.seconds, cell: (trial) => trial.duration },
  { name: "Parameters", value: (trial) => trial.parameters, cell: (trial) => count(trial.parameters) },
  { name: "Multiply-adds", value: (trial) => trial.multiply_adds, cell: (trial) => count(trial.multiply_adds) },
  { name: "Device-seconds", hidden: true, value: (trial) => trial.device_seconds },
  { name: "Seed", hidden: true, value: (trial) => trial.seed },
  { name: "Attempt", value: (trial) => trial.attempt },
  { name: "Adopted from", hidden: true, text: true, value: (trial) => trial.source },
  { name: "Began", hidden: true, text: true, value: (trial) => trial.created_at, cell: (trial) => new Date(trial.created_at).toLocaleString() },
  { name: "Reason", hidden: true, text: true, value: (trial) => trial.reason },
  { name: "Architecture", text: true, value: (trial) => trial.text, cell: (trial) => [trial.reason && element("div", { class: "wrong" }, trial.reason), element("code", {}, unbroken(trial.text))] },
];

export class Board {
  constructor(id, signal) {
    this.id = id;
    this.signal = signal;
    this.live = { items: [], total: 0 };
    this.further = []; // trials beyond the live ones, as they were when they were asked for
    this.cursor = null;
    this.chosen = new Set(JSON.parse(localStorage.getItem(STORED) ?? "null") ?? COLUMNS.filter(({ hidden }) => !hidden).map(({ name }) => name));
    this.sorted = { by: null, descending: false };
    this.best = null;
    this.title = element("h2");
    this.head = element("tr");
    this.body = element("tbody");
    this.more = element("button", { onclick: () => this.showMore() }, "Show more");
    this.file = element("button", { onclick: () => this.save() }, "Save as CSV");
    this.state = element("span", { class: "muted", role: "status" });
    this.card = card("leaderboard", {}, element("div", { class: "line" }, this.title, this.state, element("span", { class: "push" }), this.choice(), this.file),
      element("table", {}, element("thead", {}, this.head), this.body), this.more);
    this.drawHead();
  }

  choice() {
    return element("details", { class: "choose" }, element("summary", {}, "Columns"), element("div", {}, COLUMNS.map(({ name }) =>
      element("label", { class: "beside" }, element("input", { type: "checkbox", checked: this.chosen.has(name), onchange: (event) => this.choose(name, event.target.checked) }), name))));
  }

  choose(name, shown) {
    if (shown) this.chosen.add(name);
    else this.chosen.delete(name);
    localStorage.setItem(STORED, JSON.stringify([...this.chosen]));
    this.drawHead();
    this.draw();
  }

  // live: { items, total } of the event `leaderboard`; best: the number of the best trial.
  show(live, best) {
    this.live = live;
    this.best = best;
    this.draw();
  }

  drawHead() {
    this.head.replaceChildren(...this.columns().map((column) => {
      const { by, descending } = this.sorted, own = by === column.name;
      return element("th", { scope: "col", "aria-sort": own ? (descending ? "descending" : "ascending") : null },
        element("button", { class: "sort", onclick: () => this.sort(column) }, column.name, own && (descending ? " ▾" : " ▴")));
    }));
  }

  // Numbers descend first; a third click sorts by rank again.
  sort(column) {
    const { by, descending } = this.sorted, first = !column.text && column.name !== "Rank";
    if (by !== column.name) this.sorted = { by: column.name, descending: first };
    else this.sorted = descending === first ? { by, descending: !first } : { by: null, descending: false };
    const at = [...this.head.children].findIndex((cell) => cell.contains(document.activeElement));
    this.drawHead();
    this.head.children[at]?.firstChild.focus();
    this.draw();
  }

  columns() {
    return COLUMNS.filter(({ name }) => this.chosen.has(name));
  }

  rows() {
    const known = new Set(this.live.items.map(({ number }) => number));
    return [...this.live.items, ...this.further.filter(({ number }) => !known.has(number))];
  }

  draw() {
    const { by, descending } = this.sorted, { total } = this.live, rows = this.rows(), shown = this.columns();
    const items = rows.map((trial, index) => ({ trial, rank: index + 1, best: trial.number === this.best, columns: shown.map(({ name }) => name) }));
    const column = COLUMNS.find(({ name }) => name === by);
    if (column) items.sort((a, b) => compared(column.value(a.trial, a.rank), column.value(b.trial, b.rank), descending));
    this.title.textContent = total > rows.length ? `Leaderboard, the first ${rows.length} of ${total}` : "Leaderboard";
    if (!this.state.busy) this.state.textContent = column && total > rows.length ? `sorted among these ${rows.length}` : "";
    update(this.body, items, ({ trial }) => trial.number, (item) => this.row(item));
    this.more.hidden = total <= rows.length;
  }

  row({ trial, rank, best }) {
    return element("tr", { class: best ? "chosen" : "" }, this.columns().map(({ name, text, muted, value, cell }) =>
      element("td", { class: [!text && "number", muted && "muted", name === "Architecture" && "wide"].filter(Boolean).join(" ") },
        cell ? cell(trial, this.id) : String(value(trial, rank) ?? ""))));
  }

  async showMore() {
    await this.busy("", async () => {
      const page = await this.page(this.cursor);
      this.further.push(...page.items);
      this.cursor = page.next_cursor;
      this.draw();
    });
  }

  // All trials, page by page, so that neither the service nor the page holds more than it must.
  async save() {
    await this.busy("reading trials", async () => {
      const lines = [COLUMNS.map(({ name }) => quoted(name)).join(",")];
      let cursor = null, rank = 0;
      do {
        const page = await this.page(cursor);
        for (const trial of page.items) {
          rank += 1;
          lines.push(COLUMNS.map(({ value }) => quoted(value(trial, rank))).join(","));
        }
        this.state.textContent = `${rank} of ${this.live.total} trials`;
        cursor = page.next_cursor;
      } while (cursor);
      download(`${lines.join("\r\n")}\r\n`, "text/csv", `trials-${this.id}.csv`);
    });
  }

  page(cursor) {
    const query = new URLSearchParams({ order_by: "-score", limit: PAGE, ...(cursor && { cursor }) });
    return ask(`/v1/searches/${this.id}/trials?${query}`, { signal: this.signal });
  }

  async busy(text, work) {
    Object.assign(this.state, { textContent: text, busy: true });
    for (const button of [this.more, this.file]) button.disabled = true;
    let failure = "";
    try {
      await work();
    } catch (error) {
      failure = error.message;
    }
    for (const button of [this.more, this.file]) button.disabled = false;
    this.state.busy = Boolean(failure);
    this.draw();
    if (failure) this.state.textContent = failure;
    this.state.busy = false;
  }
}

function count(value) {
  return value === null ? "" : value.toLocaleString("en");
}

// What is not known comes last in either direction.
function compared(a, b, descending) {
  if (a === null || b === null) return (a === null) - (b === null);
  return (a < b ? -1 : a > b ? 1 : 0) * (descending ? -1 : 1);
}

// A field of a CSV file. A text that a spreadsheet would take for a formula is marked as text.
function quoted(value) {
  if (typeof value === "number") return String(value);
  const text = String(value ?? ""), safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
