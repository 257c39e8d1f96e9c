// Drawings of architectures, which the service makes as SVG.

import { card, download, element } from "./dom.js";
import { askText } from "./stream.js";

// A card with the drawing at a path, and a button that saves it as a file.
export async function drawingCard(path, file, signal) {
  const text = await askText(path, { signal });
  const drawing = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  adopt(drawing.querySelector("style"));
  const button = element("button", { onclick: () => download(text, "image/svg+xml", file) }, "Save drawing");
  return card("architecture", {}, element("div", { class: "line" }, element("h2", {}, "Architecture"), element("span", { class: "push" }), button), drawing);
}

let adopted = false;

// The style that turns a drawing dark, the same in all drawings: as part of the page the page's policy would refuse it.
function adopt(style) {
  style.remove();
  if (adopted) return;
  adopted = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style.textContent);
  document.adoptedStyleSheets.push(sheet);
}
