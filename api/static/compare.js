// Searches side by side: what the service says of them, its panels, and a drawing of each one's best architecture. Asked for
// again while one of them runs.

import { card, element, notice, renew, say, score, show } from "./dom.js";
import { drawingCard } from "./drawing.js";
import { redraw } from "./panels.js";
import { ask, Refused } from "./stream.js";

const PAUSE = 4000;
const OVER = ["completed", "failed", "stopped", "paused"];

// ids: of two to eight searches.
export async function compareSearches(ids, signal) {
  document.title = "Comparison - Segnas";
  const path = `/v1/comparison?${new URLSearchParams(ids.map((id) => ["search", id]))}`;
  const outage = notice(), head = element("div"), panels = card("comparison"), drawings = element("div", { class: "drawings" });
  for (let shown = false; !signal.aborted;) {
    try {
      const found = await ask(path, { signal });
      say(outage, "");
      renew(head, [found.notes, found.searches], () => headOf(found));
      redraw(panels, found.panels);
      await drawWinners(drawings, found.searches, signal);
      if (!shown) show(outage, head, panels, drawings);
      shown = true;
      if (found.searches.every(({ status }) => OVER.includes(status))) return;
    } catch (error) {
      if (signal.aborted || (error instanceof Refused && !error.passing)) throw error;
      say(outage, `${error.message}: trying again.`);
      if (!shown) show(outage);
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

function headOf({ searches, notes, comparable }) {
  return [
    element("div", { class: "line" }, element("a", { href: "#/" }, "All searches")),
    element("h1", {}, `${searches.length} searches side by side`),
    element("ul", { class: "plain" }, searches.map(({ id, name, status }, index) => element("li", {},
      element("i", { class: `swatch series${index + 1}` }), element("a", { href: `#/${id}` }, name), " ", element("span", { class: `pill ${status}` }, status), " ", element("code", { class: "muted" }, id)))),
    notes.map((note, index) => element("p", { class: index === 0 && !comparable ? "notice" : "muted" }, note)),
  ];
}

// Each drawing is requested once, and again when another architecture becomes the best.
async function drawWinners(place, searches, signal) {
  const wanted = searches.filter(({ winner }) => winner);
  if (JSON.stringify(wanted.map(({ winner }) => winner.drawing)) === place.madeOf) return;
  const cards = await Promise.all(wanted.map(async ({ id, name, objective, winner }) => {
    const place = await drawingCard(winner.drawing, `best-${id}.svg`, signal);
    const title = winner.value === null ? name : `${name}: ${score(winner.value)} ${objective}`;
    place.querySelector("h2").textContent = title;
    place.setAttribute("aria-label", `best architecture of ${name}, ${id}`);
    return place;
  }));
  place.replaceChildren(...cards);
  place.madeOf = JSON.stringify(wanted.map(({ winner }) => winner.drawing));
}
