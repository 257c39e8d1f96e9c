// Rows of pictures: an image, its label map, the prediction.

import { element } from "./dom.js";
import { askPicture } from "./stream.js";

export function pictures({ columns, rows, legend }) {
  return [
    element("div", { class: "gallery" }, rows.map((row) => element("figure", {},
      element("figcaption", {}, row.text),
      row.pictures.map((picture, index) => element("div", {}, shown(picture), element("span", { class: "muted" }, columns[index])))))),
    element("ul", { class: "swatches" }, legend.map(({ colour, text }) => element("li", {}, swatch(colour), text))),
  ];
}

export function swatch(colour) {
  const place = element("i", {});
  place.style.background = colour;
  return place;
}

// The service wants its token, which a browser's own request for a picture would not bring.
function shown({ path, text, smooth }) {
  const image = element("img", { alt: text, class: smooth ? null : "exact" });
  askPicture(path).then((blob) => {
    image.src = URL.createObjectURL(blob);
    image.decode().catch(() => null).then(() => URL.revokeObjectURL(image.src));
  }).catch((error) => image.replaceWith(element("p", { class: "wrong" }, `${text}: ${error.message}`)));
  return image;
}
