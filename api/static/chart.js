// Small charts in SVG: learning curves, scores by trial with the best so far, one score against another.

import { drawing } from "./dom.js";

const WIDTH = 600, HEIGHT = 260;
const LEFT = 44, RIGHT = 20, TOP = 10, BOTTOM = 34;

// Curves: [{ label, kind, points: [[x, y], ...] }]; the last ones are drawn on top.
export function curves(lines, xLabel) {
  const frame = axes(lines.flatMap((line) => line.points), xLabel);
  for (const { label, kind, points } of lines) {
    const path = points.map(([x, y]) => `${frame.x(x).toFixed(1)},${frame.y(y).toFixed(1)}`).join(" ");
    if (points.length > 1) frame.svg.append(drawing("polyline", { class: `curve ${kind}`, points: path }, title(label)));
    for (const [x, y] of points) frame.svg.append(dot(frame, x, y, kind, `${label}: ${y.toFixed(4)} at ${x}`));
  }
  return frame.svg;
}

// Dots: [{ x, y, kind, label }] in the order of x, with a step line of the best y so far.
export function dots(marks, xLabel) {
  const frame = axes(marks.map(({ x, y }) => [x, y]), xLabel);
  let best = -Infinity, path = "";
  for (const { x, y } of marks) {
    if (path) path += `H${frame.x(x).toFixed(1)}`;
    if (y > best) {
      best = y;
      path += path ? `V${frame.y(y).toFixed(1)}` : `M${frame.x(x).toFixed(1)},${frame.y(y).toFixed(1)}`;
    }
  }
  if (path) frame.svg.append(drawing("path", { class: "best-line", d: path }));
  for (const { x, y, kind, label } of marks) frame.svg.append(dot(frame, x, y, kind, label));
  return frame.svg;
}

// Scatter: [{ x, y, kind, label }]; neither axis begins at 0.
export function scatter(marks, xLabel) {
  const frame = axes(marks.map(({ x, y }) => [x, y]), xLabel, 0.01);
  for (const { x, y, kind, label } of marks) frame.svg.append(dot(frame, x, y, kind, label));
  return frame.svg;
}

// With `finest` the x axis spans the points, in steps no smaller; else it counts from 0.
function axes(points, xLabel, finest) {
  const svg = drawing("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
  const xTicks = finest && xs.length ? ticks(Math.min(...xs), Math.max(...xs), 6, finest) : ticks(0, Math.max(1, ...xs), 6, 1);
  const yTicks = ticks(ys.length ? Math.min(...ys) : 0, ys.length ? Math.max(...ys) : 1, 5, 0.01);
  const x = scale(xTicks[0], xTicks.at(-1), LEFT, WIDTH - RIGHT);
  const y = scale(yTicks[0], yTicks.at(-1), HEIGHT - BOTTOM, TOP);
  for (const tick of yTicks) {
    svg.append(drawing("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }));
    svg.append(drawing("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(2)));
  }
  for (const tick of xTicks) {
    svg.append(drawing("text", { x: x(tick), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, String(tick)));
  }
  svg.append(drawing("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
  svg.append(drawing("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, xLabel));
  svg.append(drawing("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT / 2, "text-anchor": "middle" }, points.length ? "" : "no scores yet"));
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

function dot(frame, x, y, kind, label) {
  return drawing("circle", { class: `dot ${kind}`, cx: frame.x(x), cy: frame.y(y), r: kind === "best" ? 4 : 2.6 }, title(label));
}

function title(text) {
  return drawing("title", {}, text);
}
