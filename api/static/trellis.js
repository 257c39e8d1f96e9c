// Draws the path of a network on its trellis: layers from left to right, levels from fine (top) to coarse.

import { drawing } from "./dom.js";

const STEP = 40, ROW = 30, LEFT = 52, TOP = 16;

// path: the level of each layer; places: the number of levels that each layer can be on; levels: the text of each level.
// The path begins at level 0.
export function trellis(path, places, levels) {
  const width = LEFT + STEP * path.length + 24, height = TOP + ROW * (levels.length - 1) + 34;
  const svg = drawing("svg", { class: "trellis", viewBox: `0 0 ${width} ${height}`, role: "img", width, "aria-label": "path through the trellis" });
  const x = (layer) => LEFT + STEP * (layer + 1) - 20, y = (level) => TOP + ROW * level;
  levels.forEach((text, level) => svg.append(drawing("text", { x: 2, y: y(level) + 4 }, text)));
  places.forEach((count, layer) => {
    for (let level = 0; level < count; level += 1) svg.append(drawing("circle", { class: "node", cx: x(layer), cy: y(level), r: 5 }));
  });
  const points = [[LEFT - 12, y(0)], ...path.map((level, layer) => [x(layer), y(level)])];
  svg.append(drawing("polyline", { class: "way", points: points.map((point) => point.join(",")).join(" ") }));
  for (const [cx, cy] of points) svg.append(drawing("circle", { class: "node taken", cx, cy, r: 5 }));
  path.forEach((_, layer) => svg.append(drawing("text", { x: x(layer), y: height - 6, "text-anchor": "middle" }, String(layer + 1))));
  return svg;
}
