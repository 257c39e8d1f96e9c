// The leaderboard of a search: the first trials live, more of them on request, columns to choose, sorting by the service, a CSV file of
// all trials.

import { card, download, element, renew, say, score, unbroken, update } from "./dom.js";
import { ask, Refused } from "./stream.js";

const FIRST = 50, PAGE = 500, PAUSE = 2000, STORED = "segnas-shown";

// value: what is written to the file; cell: what is shown, where it is something else; order: how the service calls an order by this
// column; first: whether the first click is ascending; hidden: only when chosen; wanted: shown for the searches that it fits.
const COLUMNS = [
  { name: "Rank", order: "-score", first: true, value: (trial, rank) => (trial.standing === null ? null : rank), muted: true },
  { name: "Trial", order: "number", value: (trial) => trial.number, cell: (trial, id) => element("a", { href: `#/${id}/${trial.number}` }, `#${trial.number}`) },
  { name: "Value", order: "score", wanted: ({ objective }) => objective !== "mIoU", head: ({ objective }) => (objective === "mIoU" ? "Value" : objective), value: (trial) => trial.value, cell: (trial) => score(trial.value) },
  { name: "mIoU", order: "miou", said: "mIoU, deeper rungs first", value: (trial) => trial.score, cell: (trial) => score(trial.score) },
  { name: "Iteration", order: "iteration", value: (trial) => trial.iteration },
  { name: "Status", text: true, value: (trial) => trial.status, cell: (trial) => element("span", { class: `pill ${trial.status}` }, trial.status) },
  { name: "Time", order: "seconds", value: (trial) => trial.seconds, cell: (trial) => trial.duration },
  { name: "Parameters", order: "parameters", value: (trial) => trial.parameters, cell: (trial) => count(trial.parameters) },
  { name: "Multiply-adds", order: "multiply_adds", value: (trial) => trial.multiply_adds, cell: (trial) => count(trial.multiply_adds) },
  { name: "Latency", order: "latency", wanted: ({ live }) => live.items.some(({ latency }) => latency), file: "Latency in ms", value: (trial) => trial.latency?.median_ms ?? null, cell: (trial) => trial.latency_text },
  { name: "Device-seconds", order: "device_seconds", hidden: true, value: (trial) => trial.device_seconds },
  { name: "Seed", order: "seed", hidden: true, value: (trial) => trial.seed },
  { name: "Attempt", order: "attempt", value: (trial) => trial.attempt },
  { name: "Adopted from", hidden: true, text: true, value: (trial) => trial.source },
  { name: "Began", order: "created_at", hidden: true, text: true, value: (trial) => trial.created_at, cell: (trial) => new Date(trial.created_at).toLocaleString() },
  { name: "Reason", hidden: true, text: true, value: (trial) => trial.reason },
  { name: "Architecture", text: true, value: (trial) => trial.text, cell: (trial) => [trial.reason && element("div", { class: "wrong" }, trial.reason), trial.placed && element("div", { class: "muted" }, trial.placed), element("code", {}, unbroken(trial.text))] },
];
const RANK = COLUMNS[0];

export class Board {
  constructor(id, signal) {
    this.id = id;
    this.signal = signal;
    this.live = { items: [], total: 0 };
    this.objective = "mIoU";
    this.best = null;
    this.further = []; // trials beyond the live ones, as they were when they were asked for
    this.cursor = null;
    this.sorted = { column: RANK, ascending: true, rows: [], cursor: null };
    this.choices = JSON.parse(localStorage.getItem(STORED) ?? "{}"); // by the name of a column: whether it is shown
    this.title = element("h2");
    this.head = element("tr");
    this.body = element("tbody");
    this.more = element("button", { onclick: () => this.showMore() }, "Show more");
    this.file = element("button", { onclick: () => this.save() }, "Save as CSV");
    this.state = element("span", { class: "muted", role: "status" });
    this.boxes = element("div");
    this.card = card("leaderboard", {}, element("div", { class: "line" }, this.title, this.state, element("span", { class: "push" }),
      this.file, element("details", { class: "choose" }, element("summary", {}, "Columns"), this.boxes)),
      element("table", { "aria-label": "Leaderboard" }, element("thead", {}, this.head), this.body), this.more);
    this.drawHead();
  }

  choose(name, shown) {
    this.choices[name] = shown;
    localStorage.setItem(STORED, JSON.stringify(this.choices));
    this.draw();
  }

  // live: { items, total } of the event `leaderboard`; best: the number of the best trial; objective: what trials are ranked by.
  show(live, best, objective) {
    Object.assign(this, { live, best, objective });
    this.draw();
    if (this.sorted.column !== RANK || !this.sorted.ascending) this.sortAgain();
  }

  drawHead() {
    renew(this.boxes, this.objective, () => COLUMNS.map((column) => element("label", { class: "beside" },
      element("input", { type: "checkbox", name: column.name, onchange: (event) => this.choose(column.name, event.target.checked) }), this.headOf(column))));
    for (const box of this.boxes.querySelectorAll("input")) box.checked = this.shows(COLUMNS.find(({ name }) => name === box.name));
    const { column: by, ascending } = this.sorted, focused = [...this.head.children].findIndex((cell) => cell.contains(document.activeElement));
    renew(this.head, [this.columns().map((column) => this.headOf(column)), by.name, ascending], () => this.columns().map((column) =>
      element("th", { scope: "col", "aria-sort": column === by ? (ascending ? "ascending" : "descending") : null },
        column.order ? element("button", { class: "sort", onclick: () => this.sort(column) }, this.headOf(column), column === by && element("span", { "aria-hidden": "true" }, ascending ? " ▴" : " ▾")) : column.name)));
    if (focused >= 0) this.head.children[focused]?.firstElementChild?.focus();
  }

  headOf({ name, head }) {
    return head ? head(this) : name;
  }

  shows({ name, hidden, wanted }) {
    return this.choices[name] ?? (wanted ? wanted(this) : !hidden);
  }

  columns() {
    return COLUMNS.filter((column) => this.shows(column));
  }

  // Numbers descend first; a third click sorts by rank again. What was shown stays until the service has answered.
  sort(column) {
    const { column: by, ascending } = this.sorted, first = Boolean(column.first), again = by === column;
    const next = again && ascending !== first ? { column: RANK, ascending: true } : { column, ascending: again ? !first : first };
    this.sorted = { ...next, rows: this.rows(), count: FIRST, cursor: null };
    this.draw();
    if (!this.ranked()) this.sortAgain();
  }

  // Reads what is shown in another order than by rank, and again when the search has changed, at most every two seconds.
  async sortAgain() {
    const asked = this.sorted;
    asked.stale = true;
    if (asked.asking) return;
    asked.asking = true;
    while (asked.stale && asked === this.sorted && !this.signal.aborted) {
      asked.stale = false;
      try {
        const found = await this.read(orderOf(asked), asked.count);
        Object.assign(asked, found, { failure: "" });
      } catch (error) {
        if (this.signal.aborted) return;
        asked.failure = error.message;
        asked.stale = !(error instanceof Refused && error.status < 500);
      }
      if (asked === this.sorted) this.draw();
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    asked.asking = false;
  }

  async read(order, count) {
    const rows = [];
    let cursor = null;
    do {
      const page = await this.page(order, cursor, Math.min(PAGE, count - rows.length));
      rows.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && rows.length < count);
    return { rows, cursor };
  }

  ranked() {
    return this.sorted.column === RANK && this.sorted.ascending;
  }

  byRank() {
    const known = new Set(this.live.items.map(({ number }) => number));
    return [...this.live.items, ...this.further.filter(({ number }) => !known.has(number))];
  }

  rows() {
    return this.ranked() ? this.byRank() : this.sorted.rows;
  }

  draw() {
    this.drawHead();
    const { total } = this.live, rows = this.rows(), shown = this.columns().map(({ name }) => name);
    const ranks = new Map(this.byRank().map(({ number }, index) => [number, index + 1]));
    const items = rows.map((trial) => ({ trial, rank: ranks.get(trial.number) ?? null, best: trial.number === this.best, columns: shown }));
    this.title.textContent = total > rows.length ? `Leaderboard, the first ${rows.length} of ${total}` : "Leaderboard";
    const { column, failure } = this.sorted;
    if (!this.state.busy) say(this.state, failure || (this.ranked() ? "" : `sorted by ${column.said ?? this.headOf(column).replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())}`));
    update(this.body, items, ({ trial }) => trial.number, (item) => this.row(item));
    this.more.hidden = total <= rows.length;
  }

  row({ trial, rank, best }) {
    return element("tr", { class: best ? "chosen" : "" }, this.columns().map(({ name, text, muted, value, cell }) =>
      element("td", { class: [!text && "number", muted && "muted", name === "Architecture" && "wide"].filter(Boolean).join(" ") },
        cell ? cell(trial, this.id) : String(value(trial, rank) ?? ""))));
  }

  async showMore() {
    const { sorted } = this;
    await this.busy("", async () => {
      const page = await this.page(orderOf(sorted), this.ranked() ? this.cursor : sorted.cursor);
      if (sorted !== this.sorted) return;
      if (this.ranked()) {
        this.further.push(...page.items);
        this.cursor = page.next_cursor;
      } else {
        const rows = [...sorted.rows, ...page.items];
        Object.assign(sorted, { rows, count: rows.length, cursor: page.next_cursor });
      }
    });
  }

  // All trials, page by page, so that neither the service nor the page holds more than it must.
  async save() {
    await this.busy("reading trials", async () => {
      const lines = [COLUMNS.map(({ name, file }) => quoted(file ?? name)).join(",")];
      let cursor = null, rank = 0;
      do {
        const page = await this.page(RANK.order, cursor);
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

  page(order, cursor, limit = PAGE) {
    const query = new URLSearchParams({ order_by: order, limit, ...(cursor && { cursor }) });
    return ask(`/v1/searches/${this.id}/trials?${query}`, { signal: this.signal });
  }

  async busy(text, work) {
    const held = document.activeElement, before = this.body.children.length;
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
    // A button that was disabled has lost the keyboard; one that is gone leaves it to the first of the new trials.
    if (document.activeElement === document.body) (held.hidden ? this.body.children[before]?.querySelector("a") : held)?.focus({ preventScroll: true });
  }
}

// The service's name of an order. The rank ascends where the standing descends.
function orderOf({ column: { order }, ascending }) {
  const plain = order.replace(/^-/, "");
  return order.startsWith("-") === ascending ? `-${plain}` : plain;
}

function count(value) {
  return value === null ? "" : value.toLocaleString("en");
}

// A field of a CSV file. A text that a spreadsheet would take for a formula is marked as text.
function quoted(value) {
  if (typeof value === "number") return String(value);
  const text = String(value ?? ""), safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
