// The list of all searches, newest first, requested every two seconds. It stays on the page while the service is unreachable.

import { bar, counted, element, score, show } from "./dom.js";
import { ask, Refused } from "./stream.js";

const PAUSE = 2000;

export async function listSearches(signal) {
  document.title = "Segnas";
  for (let shown = false; !signal.aborted;) {
    try {
      const page = await ask("/v1/searches?limit=100", { signal });
      if (!signal.aborted) show(page.items.length ? table(page.items) : nothing());
      shown = true;
    } catch (error) {
      if (signal.aborted || (error instanceof Refused && error.status < 500)) throw error;
      if (!shown) show(element("p", { class: "wrong" }, error.message));
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

function table(searches) {
  const heads = ["Search", "Status", "Trials", "", "Best mIoU", "Kind", "Data", "Started"];
  return element("div", { class: "card" }, element("h2", {}, "Searches"), element("table", {},
    element("thead", {}, element("tr", {}, heads.map((head) => element("th", {}, head)))),
    element("tbody", {}, searches.map(row))));
}

function row(search) {
  const open = () => { location.hash = `#/${search.id}`; };
  const counts = counted(search.trials);
  const ended = counts.filter(([status]) => status !== "running").reduce((sum, [, count]) => sum + count, 0);
  return element("tr", { class: "link", onclick: open },
    element("td", {}, element("a", { href: `#/${search.id}` }, search.name), " ", element("code", { class: "muted" }, search.id)),
    element("td", {}, element("span", { class: `pill ${search.status}` }, search.status)),
    element("td", { class: "number" }, `${ended} / ${search.planned}`),
    element("td", {}, bar(counts, search.planned)),
    element("td", { class: "number" }, score(search.best?.score)),
    element("td", {}, search.method, search.parent && [" of ", element("a", { href: `#/${search.parent}` }, search.parent)]),
    element("td", {}, search.dataset),
    element("td", { class: "number" }, new Date(search.created_at).toLocaleString()));
}

function nothing() {
  return element("div", { class: "card" }, element("h2", {}, "No searches yet"),
    element("p", {}, "Submit one: ", element("code", {}, "segnas submit SPEC.yaml"), ", or POST it as ",
      element("a", { href: "/docs" }, "the API page"), " shows."));
}
