// One trial: its architecture and panels, as the service makes them, and its document to save. A running trial is asked for again.

import { card, element, notice, renew, save, say, show, unbroken } from "./dom.js";
import { drawingCard } from "./drawing.js";
import { redraw } from "./panels.js";
import { ask, Refused } from "./stream.js";

const PAUSE = 2000;

export async function showTrial(searchId, number, signal) {
  const path = `/v1/searches/${searchId}/trials/${number}`;
  const outage = notice(), head = element("div"), body = card("results");
  let name = null; // of the search; asked for once
  document.title = `Trial ${number} - Segnas`;
  for (let shown = false, drawing = null; !signal.aborted;) {
    try {
      const [trial, panels] = await Promise.all([ask(path, { signal }), ask(`${path}/panels`, { signal })]);
      name ??= (await ask(`/v1/searches/${searchId}`, { signal })).name;
      say(outage, "");
      renew(head, trial, () => headOf(searchId, name, trial));
      redraw(body, panels);
      drawing ??= await drawingCard(`${path}/drawing`, `trial${number}-${searchId}.svg`, signal);
      if (!shown) show(outage, head, element("div", { class: "drawn" }, drawing, body));
      shown = true;
      if (trial.status !== "running") return;
    } catch (error) {
      if (signal.aborted || (error instanceof Refused && !error.passing)) throw error;
      say(outage, `${error.message}: trying again.`);
      if (!shown) show(outage);
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

function headOf(searchId, name, trial) {
  return [
    element("div", { class: "line" }, element("a", { href: "#/" }, "All searches"), element("a", { href: `#/${searchId}` }, name), element("code", { class: "muted" }, searchId)),
    element("div", { class: "line" }, element("h1", {}, `Trial ${trial.number}`), element("span", { class: `pill ${trial.status}` }, trial.status),
      trial.worth && element("strong", {}, trial.worth), element("span", { class: "push" }),
      element("button", { onclick: () => save(trial.document, `trial${trial.number}-${searchId}.json`) }, "Save document")),
    trial.reason && element("p", { class: trial.status === "failed" ? "wrong" : "muted" }, trial.reason),
    element("p", {}, element("code", {}, unbroken(trial.text))),
  ];
}
