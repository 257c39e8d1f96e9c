// Drawings of architectures, which the service makes as SVG.

import { card, download, element } from "./dom.js";
import { askText, Refused } from "./stream.js";

const PAUSE = 2000;

// A card with the drawing at a path, and a button that saves it as a file.
export async function drawingCard(path, file, signal) {
  const { drawing, button } = await drawingAt(path, file, signal);
  return card("architecture", {}, element("div", { class: "line" }, element("h2", {}, "Architecture"), element("span", { class: "push" }), button), drawing);
}

// The drawing at a path in a place that is there at once; while the service does not give it, the reason is shown.
export function drawingPlace(path, file) {
  const place = element("div", {});
  const fetchIt = () => drawingAt(path, file).then(({ drawing, button }) => place.replaceChildren(drawing, button), (error) => {
    place.replaceChildren(element("p", { class: "wrong" }, error.message));
    if (!(error instanceof Refused) || error.passing) setTimeout(() => place.isConnected && fetchIt(), PAUSE);
  });
  fetchIt();
  return place;
}

async function drawingAt(path, file, signal) {
  const text = await askText(path, { signal });
  // Its stylesheet turns it dark where the page is; the page's policy allows this one by its hash.
  const drawing = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  return { drawing, button: element("button", { onclick: () => download(text, "image/svg+xml", file) }, "Save drawing") };
}
