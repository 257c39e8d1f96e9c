// Small charts in SVG: learning curves, scores by trial with the best so far, scatter plots.
// A mark is a CSS class: "best", or the status of the trial.

import { drawing, element } from "./dom.js";

// Charts are as wide as they are shown, so that their text keeps its size on a phone.
const WIDTH = Math.max(300, Math.min(600, innerWidth - 60)), HEIGHT = 260;
const TICKS = Math.round(WIDTH / 100);
const LEFT = 44, RIGHT = 20, TOP = 10, BOTTOM = 34;

// Draws lines [{ text, mark, points: [[x, y], ...] }], the last line on top.
export function curves(lines, xText) {
  const frame = axes(lines.flatMap((line) => line.points), xText);
  for (const { text, mark, points } of lines) {
    const path = points.map(([x, y]) => `${frame.x(x).toFixed(1)},${frame.y(y).toFixed(1)}`).join(" ");
    if (points.length > 1) frame.svg.append(drawing("polyline", { class: `curve ${mark}`, points: path }, title(text)));
    for (const [x, y] of points) frame.svg.append(dot(frame, x, y, mark, `${text}: ${y.toFixed(4)} at ${x}`));
  }
  return frame.svg;
}

// Draws points [{ x, y, mark, text }], and a step line through the best so far, [[x, y], ...] ascending in both.
export function dots(points, best, xText) {
  const frame = axes(points.map(({ x, y }) => [x, y]), xText);
  const steps = best.map(([x, y]) => [frame.x(x).toFixed(1), frame.y(y).toFixed(1)]);
  const path = steps.map(([x, y], index) => (index ? `H${x}V${y}` : `M${x},${y}`)).join("");
  if (path) frame.svg.append(drawing("path", { class: "best-line", d: `${path}H${frame.x(points.at(-1).x).toFixed(1)}` }));
  for (const { x, y, mark, text } of points) frame.svg.append(dot(frame, x, y, mark, text));
  return frame.svg;
}

// Draws points [{ x, y, mark, text }]; neither axis needs to begin at 0.
export function scatter(points, xText, yText) {
  const frame = axes(points.map(({ x, y }) => [x, y]), xText, { finest: 0.01, yText });
  for (const { x, y, mark, text } of points) frame.svg.append(dot(frame, x, y, mark, text));
  return frame.svg;
}

// Draws a legend of entries [{ mark, text }].
export function legend(entries) {
  return element("div", { class: "legend" }, entries.map(({ mark, text }) => element("span", {}, element("i", { class: mark }), text)));
}

// With `finest` the x axis spans the points, in steps of at least `finest`; without it, the axis begins at 0.
function axes(points, xText, { finest, yText } = {}) {
  const name = `${yText ?? "chart"} by ${xText}, ${points.length} points`;
  const svg = drawing("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name });
  const left = yText ? LEFT + 18 : LEFT;
  const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
  const xTicks = finest && xs.length ? ticks(Math.min(...xs), Math.max(...xs), TICKS, finest) : ticks(0, Math.max(1, ...xs), TICKS, 1);
  const yTicks = ticks(ys.length ? Math.min(...ys) : 0, ys.length ? Math.max(...ys) : 1, 5, 0.01);
  const x = scale(xTicks[0], xTicks.at(-1), left, WIDTH - RIGHT);
  const y = scale(yTicks[0], yTicks.at(-1), HEIGHT - BOTTOM, TOP);
  for (const tick of yTicks) {
    svg.append(drawing("line", { class: "grid", x1: left, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }));
    svg.append(drawing("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(2)));
  }
  for (const tick of xTicks) {
    svg.append(drawing("text", { x: x(tick), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, String(tick)));
  }
  const [centre, middle] = [(left + WIDTH) / 2, (TOP + HEIGHT - BOTTOM) / 2];
  svg.append(drawing("line", { class: "axis", x1: left, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
  svg.append(drawing("text", { x: centre, y: HEIGHT - 3, "text-anchor": "middle" }, xText));
  if (yText) svg.append(drawing("text", { transform: `translate(12 ${middle}) rotate(-90)`, "text-anchor": "middle" }, yText));
  if (!points.length) svg.append(drawing("text", { x: centre, y: HEIGHT / 2, "text-anchor": "middle" }, "no scores yet"));
  return { svg, x, y };
}

function scale(from, to, start, end) {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

// Round numbers that enclose [low, high], about `count` of them, at least `finest` apart.
function ticks(low, high, count, finest) {
  const rough = Math.max((high - low) / count, finest);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999);
  const first = Math.floor(low / step + 1e-9), last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function dot(frame, x, y, mark, text) {
  return drawing("circle", { class: `dot ${mark}`, cx: frame.x(x), cy: frame.y(y), r: mark === "best" ? 4 : 2.6 }, title(text));
}

function title(text) {
  return drawing("title", {}, text);
}
