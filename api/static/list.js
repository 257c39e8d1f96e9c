// The list of all searches, newest first, requested every two seconds and changed in place: focus, selection and scroll stay.
// While the service is unreachable the list stays too, and says so.

import { mayStart, ownerLink } from "./access.js";
import { bar, card, counted, element, notice, renew, say, score, show, update } from "./dom.js";
import { ask, Refused } from "./stream.js";

const PAUSE = 2000, PAGE = 100;
const MOST = 8; // searches side by side
const HEADS = [null, "Search", "Status", "Trials", "Progress", "Best", "Kind", "Data", "Started"];
const STATUSES = ["queued", "starting", "running", "pausing", "paused", "stopping", "completed", "failed", "stopped"];

// filter: URLSearchParams with `status`, `tag` and `owner`, all optional.
export async function listSearches(filter, signal) {
  document.title = "Segnas";
  const view = new ListView(filter, signal);
  while (!signal.aborted) {
    await view.refresh();
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

const ticked = new Map(); // names by id of the searches to compare; they stay while the list shows others

class ListView {
  constructor(filter, signal) {
    this.filter = filter;
    this.signal = signal;
    this.pages = 1;
    this.outage = notice();
    this.body = element("tbody");
    this.table = element("table", { "aria-label": "Searches" }, element("thead", {}, element("tr", {}, HEADS.map((head) => (head === null ? element("td") : element("th", { scope: "col", class: head === "Progress" && "roomy" }, head))))), this.body);
    this.empty = element("div", {});
    this.more = element("button", { hidden: true, onclick: () => this.showMore() }, "Show more");
    this.card = card("searches", {}, this.head(), this.table, this.empty, this.more);
    this.shown = false;
    this.compare = element("button", { onclick: () => { location.hash = `#/compare/${[...ticked.keys()].join(",")}`; } });
    this.untick = element("button", { onclick: () => this.untickAll() }, "Untick all");
    this.card.querySelector(".push").after(this.compare, this.untick);
    this.counted();
  }

  choose({ id, name }, chosen) {
    if (chosen) ticked.set(id, name);
    else ticked.delete(id);
    this.counted();
  }

  untickAll() {
    ticked.clear();
    for (const box of this.body.querySelectorAll("input")) box.checked = false;
    this.counted();
    this.body.querySelector("input")?.focus();
  }

  // The last page takes the button away: the keyboard goes on with the first of the new searches.
  async showMore() {
    const before = this.body.children.length;
    this.pages += 1;
    await this.refresh();
    if (this.more.hidden && document.activeElement === document.body) this.body.children[before]?.querySelector("a").focus();
  }

  // Two to eight ticked searches can be put side by side, those of other filters too.
  counted() {
    const { size } = ticked;
    this.compare.title = [...ticked.values()].join(", ");
    this.untick.hidden = size === 0;
    this.compare.disabled = size < 2 || size > MOST;
    this.compare.textContent = size === 0 ? "Compare" : size === 1 ? "Compare: tick another" : size > MOST ? `Compare: at most ${MOST}` : `Compare ${size}`;
  }

  head() {
    const status = this.filter.get("status") ?? "", tag = this.filter.get("tag");
    const choice = element("select", { onchange: () => this.go("status", choice.value) },
      element("option", { value: "" }, "any"), STATUSES.map((name) => element("option", { value: name, selected: name === status }, name)));
    const owner = this.filter.get("owner");
    return element("div", { class: "line" }, element("h1", {}, "Searches"), mayStart() && element("a", { class: "button main", href: "#/new" }, "New search"),
      element("span", { class: "push" }),
      tag && element("button", { "aria-label": `tag ${tag}: show all tags`, onclick: () => this.go("tag", "") }, `tag ${tag} ×`),
      owner && element("button", { "aria-label": `by ${owner}: show those of all`, onclick: () => this.go("owner", "") }, `by ${owner} ×`),
      element("label", { class: "beside" }, "Status", choice));
  }

  go(name, value) {
    const filter = new URLSearchParams(this.filter);
    if (value) filter.set(name, value);
    else filter.delete(name);
    location.hash = filter.size ? `#/?${filter}` : "#/";
  }

  async refresh() {
    try {
      const { items, next } = await this.request();
      if (this.signal.aborted) return;
      say(this.outage, "");
      update(this.body, items, (search) => search.id, (search) => row(search, this));
      this.table.hidden = !items.length;
      renew(this.empty, items.length ? "" : "empty", () => (items.length ? [] : this.nothing()));
      this.more.hidden = !next;
    } catch (error) {
      if (this.signal.aborted || (error instanceof Refused && !error.passing)) throw error;
      say(this.outage, `${error.message}: trying again. What is below may be out of date.`);
    }
    if (!this.shown) show(this.outage, this.card);
    this.shown = true;
  }

  async request() {
    const items = [];
    let cursor = null;
    for (let page = 0; page < this.pages && (page === 0 || cursor); page += 1) {
      const query = new URLSearchParams({ limit: PAGE, ...Object.fromEntries(this.filter), ...(cursor && { cursor }) });
      const answer = await ask(`/v1/searches?${query}`, { signal: this.signal });
      items.push(...answer.items);
      cursor = answer.next_cursor;
    }
    return { items, next: cursor };
  }

  nothing() {
    if (this.filter.size) return [element("p", {}, "No search is like this. ", element("a", { href: "#/" }, "Show all searches"))];
    if (!mayStart()) return [element("p", {}, "There are no searches yet, and this token may only look at them.")];
    return [element("p", {}, "There are no searches yet. ", element("a", { href: "#/new" }, "Start a first one here"), ", or with three commands:"),
      element("pre", { tabindex: 0 }, "segnas data add mine FOLDER      # a folder of images and masks\nsegnas init                      # writes search.yaml, to change\nsegnas submit search.yaml --watch"),
      element("p", {}, "Any HTTP client can start one too, as ", element("a", { href: "docs" }, "the API page"), " shows.")];
  }
}

function row(search, view) {
  const counts = counted(search.trials);
  const ended = counts.filter(([status]) => status !== "running").reduce((sum, [, count]) => sum + count, 0);
  const open = (event) => { if (!event.target.closest("a, .tick")) location.hash = `#/${search.id}`; };
  const tick = element("input", { type: "checkbox", "aria-label": `compare ${search.name}`, checked: ticked.has(search.id), onchange: () => view.choose(search, tick.checked) });
  return element("tr", { class: "link", onclick: open },
    element("td", { class: "tick" }, tick),
    element("td", {}, element("a", { href: `#/${search.id}` }, search.name), " ", element("code", { class: "muted" }, search.id),
      search.tags.map((tag) => [" ", element("a", { class: "tag", href: `#/?${new URLSearchParams({ tag })}` }, tag)]), " ", ownerLink(search)),
    element("td", {}, element("span", { class: `pill ${search.status}`, title: search.message }, search.status)),
    element("td", { class: "number" }, `${ended} / ${search.planned}`),
    element("td", { class: "roomy" }, bar(counts, search.planned)),
    element("td", { class: "number" }, score(search.best?.confirmed?.mean ?? search.best?.value), search.best?.confirmed && element("div", { class: "muted" }, "confirmed"), search.objectives[0] !== "mIoU" && element("div", { class: "muted" }, search.objectives[0])),
    element("td", {}, search.method, search.parent && [" of ", element("a", { href: `#/${search.parent}` }, search.parent)]),
    element("td", {}, search.dataset),
    element("td", { class: "number" }, new Date(search.created_at).toLocaleString()));
}
