// Drawings of architectures, which the service makes as SVG.

import { download, element } from "./dom.js";
import { askText } from "./stream.js";

// A card with the drawing at a path, and a button that saves it as a file.
export async function drawingCard(path, file, signal) {
  const text = await askText(path, { signal });
  const drawing = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  drawing.querySelector("style").remove(); // which turns a drawing dark: this page is light
  const button = element("button", { onclick: () => download(text, "image/svg+xml", file) }, "Save drawing");
  return element("div", { class: "card" }, element("div", { class: "line" }, element("h2", {}, "Architecture"), element("span", { class: "push" }), button), drawing);
}
