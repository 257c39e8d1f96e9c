// Charts on uPlot (static/uplot): lines, steps, points, and spans between two places. A chart has hover, arrow keys,
// zoom by mouse, keys and fingers, and a table.
//
//   const place = new Chart(spec);  page.append(place.element);  place.show(later);  // a zoom stays
//
// spec: { x, y, series: [{ text, mark, points: [{ x, y, text }] or [[x, y]], line: "straight", "step" or "stairs" (not dashed),
//   dots: false (a line without values) or "unseen" (values that are not drawn, but found) }],
//   spans: [{ from, to, y, mark, text }], notes: [{ x, y, text }], legend: [{ mark, text }], name, along, low }; all but x, y and
//   series may be left out; notes are written at their places; a chart of few rows is low.
// An axis is { text, log, whole, zero, labels, format, span }: logarithmic; of whole numbers; it begins at 0; a name for each of
// 0, 1, 2, ...; how a number is written; its two ends. A mark is "best", the status of a trial, or a number in [0, 1], drawn
// between two colours. `text` of a point is shown at it, `label` is written beside it; `low` and `high` are the ends of its
// interval, along the axis that `along` names: "y", or "x".

import { element, say, several } from "./dom.js";
import { fingers } from "./touch.js";

const { uPlot } = globalThis; // a script of its own, which index.html loads first
const NEAR = 40, ROWS = 500, FEW_LINES = 4, SHADES = 8, FONT = '11px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

// A chart exists while its element is shown with a width: one that is taken out of the page leaves no listener behind.
const sizes = new ResizeObserver((entries) => entries.forEach(({ target, contentRect }) => target.chart.fit(Math.floor(contentRect.width))));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const plane of document.querySelectorAll(".plane")) plane.chart.plot?.redraw();
});

let made = 0;

export class Chart {
  constructor(spec) {
    // The arrow keys are the chart's own: as an application, a screen reader passes them on.
    const keys = element("span", { class: "keys", id: `keys${made += 1}` }, "arrows: from value to value; + and -: zoom; Escape: show all");
    this.plane = Object.assign(element("div", { class: "plane", role: "application", "aria-roledescription": "chart", "aria-describedby": keys.id, onkeydown: (event) => this.press(event), onblur: () => this.point(-1) }), { chart: this });
    this.tip = element("div", { class: "tip", "aria-live": "polite" });
    this.ring = element("div", { class: "ring", hidden: true });
    this.all = element("button", { hidden: true, onclick: () => this.zoom(null) }, "Show all");
    this.foot = element("div", { class: "legend" });
    this.values = element("details", { class: "values", ontoggle: () => this.fill() }, element("summary", {}, "Values"));
    this.element = element("figure", { class: "chart" }, this.plane, keys, this.tip, element("div", { class: "foot" }, this.foot, this.all), this.values);
    fingers(this.plane, this);
    this.show(spec);
    sizes.observe(this.plane);
  }

  show(spec) {
    const series = spec.series.map((one) => ({ ...one, points: one.points.map((point) => (Array.isArray(point) ? { x: point[0], y: point[1] } : point)) }));
    const before = this.spec && this.full, zoomed = this.view && JSON.stringify(this.view) !== JSON.stringify(before);
    this.spec = { spans: [], notes: [], legend: [], ...spec, series };
    this.places = [...series.flatMap(placesOf(spec)), ...this.spec.spans.map((span) => ({ ...span, x: span.from }))].sort((a, b) => a.x - b.x);
    const around = (name) => (name === (spec.along ?? "y") ? ({ low, high }) => [low, high].filter((end) => end != null) : () => []);
    const across = (name) => series.filter(({ dots }) => dots === false).flatMap(({ points }) => points.map((point) => point[name]));
    this.full = {
      x: ends(spec.x, [...this.places.flatMap((place) => [place.x, place.to ?? place.x, ...around("x")(place)]), ...across("x")]),
      y: ends(spec.y, [...this.places.flatMap((place) => [place.y, ...around("y")(place)]), ...across("y")]),
    };
    this.view = zoomed ? this.view : this.full;
    this.plane.classList.toggle("low", Boolean(spec.low));
    this.plane.setAttribute("aria-label", this.summary());
    this.foot.replaceChildren(...this.spec.legend.map(({ mark, text }) => entry(mark, text)));
    this.values.hidden = !this.places.length;
    this.plane.tabIndex = this.places.length ? 0 : -1;
    if (this.values.open) this.fill();
    const shape = JSON.stringify([this.spec.x, this.spec.y, series.map((one) => ({ ...one, points: one.points.length > 0 }))]);
    const pointed = this.places.findIndex(({ text }) => text === this.tip.textContent);
    if (this.plot && shape === this.shape) this.plot.batch(() => {
      this.plot.setData(aligned(series), false);
      this.zoom(this.view);
    });
    else if (this.width) this.build();
    this.shape = shape;
    this.point(pointed);
  }

  // What a chart shows, for those who do not see it: what it is, how many values between which ends, and where its lines end or which is best.
  summary() {
    const { x, y, name, along, spans } = this.spec, axis = along === "x" || spans.length ? x : y;
    const reached = this.places.flatMap((place) => (axis === y ? [place.y] : [place.x, place.to ?? place.x]));
    const known = reached.length && !axis.labels && !axis.format ? `, ${write(axis, Math.min(...reached))} to ${write(axis, Math.max(...reached))}` : "";
    return `${name ?? y.text ?? "chart"}${x.text ? ` by ${x.text}` : ""}, ${several(this.places.length, "value")}${known}${this.outcome()}`;
  }

  outcome() {
    const { series, legend } = this.spec, lines = series.filter(({ line, dots, points }) => line && dots === undefined && points.length);
    const best = this.places.filter(({ mark }) => mark === "best"), word = legend.find(({ mark }) => mark === "best")?.text ?? "best";
    if (lines.length && lines.length <= FEW_LINES) return `; last ${lines.map((one) => placesOf(this.spec)(one).at(-1).text).join(", ")}`;
    if (!best.length || (lines.length && word !== "best")) return "";
    return best.length > 1 && !lines.length ? `; ${best.length} ${word}` : `; ${word}: ${best.at(-1).text}`;
  }

  fit(width) {
    if (width === this.width) return;
    this.width = width;
    if (this.plot && width) this.plot.setSize({ width, height: this.plane.clientHeight });
    else this.build();
  }

  build() {
    this.plot?.destroy();
    this.plot = null;
    this.plane.replaceChildren();
    this.all.hidden = true;
    if (!this.width) return;
    if (!this.places.length) return this.plane.append(element("p", { class: "muted" }, "no scores yet"));
    const { x, y, series } = this.spec;
    this.plot = new uPlot({
      width: this.width, height: this.plane.clientHeight, padding: [10, 18, 0, 0], legend: { show: false },
      scales: { x: scale(x, this.view.x), y: scale(y, this.view.y) },
      axes: [axis(x, 0), axis(y, 1)],
      series: [{}, ...series.map(drawn)],
      cursor: { y: false, points: { show: false }, drag: { x: true, y: true, uni: 30 }, bind: { dblclick: () => () => this.zoom(null) } },
      hooks: {
        draw: [() => { this.pixels = null; }, () => this.drawSpans(), () => this.drawIntervals(), () => this.drawNotes()],
        setCursor: [({ cursor }) => this.hover(cursor.left, cursor.top)], setScale: [() => this.scaled()],
      },
    }, aligned(series), this.plane);
    this.plot.over.append(this.ring);
  }

  // After a zoom with the mouse, the keys or the button.
  scaled() {
    if (!this.plot) return;
    const { x, y } = this.plot.scales;
    this.view = { x: [x.min, x.max], y: [y.min, y.max] };
    this.all.hidden = JSON.stringify(this.view) === JSON.stringify(this.full);
  }

  // view: { x: [from, to], y: [from, to] }; null shows everything.
  zoom(view) {
    const { x, y } = view ?? this.full;
    if (this.all === document.activeElement) this.plane.focus();
    this.plot?.batch(() => {
      this.plot.setScale("x", { min: x[0], max: x[1] });
      this.plot.setScale("y", { min: y[0], max: y[1] });
    });
  }

  drawSpans() {
    const { spans, y } = this.spec, { plot } = this, { ctx, bbox } = plot;
    if (!spans.length) return;
    const row = Math.abs(plot.valToPos(0, "y", true) - plot.valToPos(1, "y", true));
    const thick = y.labels ? Math.max(1, Math.min(14 * devicePixelRatio, 0.7 * row)) : 2 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { from, to, y: at, mark } of spans) {
      const left = plot.valToPos(from, "x", true), right = plot.valToPos(to, "x", true);
      ctx.fillStyle = colour(mark);
      ctx.fillRect(left, plot.valToPos(at, "y", true) - thick / 2, Math.max(devicePixelRatio, right - left), thick);
    }
    ctx.restore();
  }

  drawNotes() {
    const { plot } = this, { ctx } = plot;
    ctx.save();
    ctx.font = FONT.replace("11px", `${11 * devicePixelRatio}px`);
    Object.assign(ctx, { textBaseline: "middle", textAlign: "left" });
    for (const { x, y, text } of this.spec.notes) {
      const wide = ctx.measureText(text).width, left = plot.valToPos(x, "x", true) - wide / 2, top = plot.valToPos(y, "y", true);
      ctx.globalAlpha = 0.8;
      ctx.fillStyle = colour("paper");
      ctx.fillRect(left - 2, top - 7 * devicePixelRatio, wide + 4, 14 * devicePixelRatio);
      ctx.globalAlpha = 1;
      ctx.fillStyle = colour("ink");
      ctx.fillText(text, left, top);
    }
    ctx.restore();
  }

  // The interval of each point, and its name beside it.
  drawIntervals() {
    const { plot } = this, { ctx, bbox } = plot, ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = FONT.replace("11px", `${11 * ratio}px`);
    const taken = [], along = this.spec.along ?? "y", bar = (x, y, width, height) => (along === "y" ? ctx.fillRect(x, y, width, height) : ctx.fillRect(y, x, height, width));
    for (const { x, y, low, high, label, mark } of this.places) {
      const at = plot.valToPos(x, "x", true), middle = along === "y" ? at : plot.valToPos(y, "y", true);
      if (low != null && high != null) {
        const [from, to] = [low, high].map((end) => plot.valToPos(end, along, true));
        ctx.fillStyle = colour(mark);
        bar(middle - ratio * 0.75, from, ratio * 1.5, to - from);
        for (const end of [from, to]) bar(middle - 4 * ratio, end - ratio * 0.75, 8 * ratio, ratio * 1.5);
      }
      if (label == null) continue;
      const [left, base] = free(at, plot.valToPos(y, "y", true), ctx.measureText(label).width, bbox, taken);
      ctx.textAlign = "left";
      ctx.fillStyle = colour("ink");
      ctx.fillText(label, left, base);
    }
    ctx.restore();
  }

  hover(left, top) {
    if (left < 0) return this.point(-1);
    let best = -1, least = NEAR;
    this.pixels ??= this.places.map(({ x, y, to }) => [this.plot.valToPos(x, "x"), this.plot.valToPos(to ?? x, "x"), this.plot.valToPos(y, "y")]);
    this.pixels.forEach(([from, to, height], index) => {
      const away = Math.hypot(Math.max(from - left, 0, left - to), height - top);
      if (away < least) [best, least] = [index, away];
    });
    this.point(best);
  }

  // Shows what is known of one place; -1: of none.
  point(index) {
    this.at = index;
    const place = this.places[index];
    this.ring.hidden = !place || !this.plot;
    say(this.tip, place?.text ?? "");
    if (this.ring.hidden) return;
    const { left, top } = this.plot.over.getBoundingClientRect(), frame = this.element.getBoundingClientRect();
    const x = this.plot.valToPos(place.x, "x"), y = this.plot.valToPos(place.y, "y");
    this.ring.style.transform = `translate(${x}px, ${y}px)`;
    const over = Math.min(Math.max(left - frame.left + x - this.tip.offsetWidth / 2, 0), frame.width - this.tip.offsetWidth);
    const above = top - frame.top + y - this.tip.offsetHeight - 10;
    this.tip.style.transform = `translate(${over}px, ${above < 0 ? top - frame.top + y + 12 : above}px)`;
  }

  press(event) {
    const last = this.places.length - 1, { x, y } = this.view;
    const step = { ArrowRight: Math.min(this.at + 1, last), ArrowLeft: Math.max(this.at - 1, 0), Home: 0, End: last }[event.key];
    if (step !== undefined) this.point(step);
    else if (event.key === "Escape") this.all.hidden ? this.point(-1) : this.zoom(null);
    else if (event.key === "+" || event.key === "-") {
      const at = this.places[this.at] ?? { x: middle(x), y: middle(y) }, factor = event.key === "+" ? 0.5 : 2;
      const around = (value, [from, to]) => [value - factor * (value - from), value + factor * (to - value)];
      const held = ([from, to], [least, most]) => [Math.max(from, least), Math.min(to, most)];
      this.zoom({ x: held(around(at.x, x), this.full.x), y: held(around(at.y, y), this.full.y) });
    } else return;
    event.preventDefault();
  }

  // The table is made when it is opened: nobody waits for thousands of rows that nobody reads.
  fill() {
    const { x, y } = this.spec, shown = this.places.slice(0, ROWS), rest = this.places.length - shown.length;
    const rows = shown.map((place) => element("tr", {}, [place.text, write(x, place.x), write(y, place.y)].map((text) => element("td", {}, text))));
    const heads = ["", x.text ?? "", y.text ?? ""].map((text) => (text ? element("th", { scope: "col" }, text) : element("td")));
    while (this.values.children.length > 1) this.values.lastChild.remove(); // the summary stays, and the keyboard with it
    this.values.append(...(this.values.open ? [element("table", { "aria-label": this.plane.getAttribute("aria-label") }, element("thead", {}, element("tr", {}, heads)), element("tbody", {}, rows)),
      ...(rest > 0 ? [element("p", { class: "muted" }, `and ${rest} more`)] : [])] : []));
  }
}

function placesOf({ x, y }) {
  return ({ points, text, dots, mark }) => (dots === false ? [] : points.map((point) => ({ mark, ...point, text: point.text ?? `${text}: ${write(y, point.y)} at ${write(x, point.x)}` })));
}

// uPlot draws columns over one ascending x. Points of equal x in one series have a place each.
function aligned(series) {
  const most = new Map(), first = new Map(), xs = [];
  const count = (points, each) => {
    const seen = new Map();
    for (const point of points) {
      const before = seen.get(point.x) ?? 0;
      seen.set(point.x, before + 1);
      each(point, before);
    }
  };
  for (const { points } of series) count(points, ({ x }, before) => most.set(x, Math.max(most.get(x) ?? 0, before + 1)));
  for (const x of [...most.keys()].sort((a, b) => a - b)) {
    first.set(x, xs.length);
    for (let times = most.get(x); times > 0; times -= 1) xs.push(x);
  }
  return [xs, ...series.map(({ points }) => {
    const ys = new Array(xs.length).fill(null);
    count(points, ({ x, y }, before) => { ys[first.get(x) + before] = y; });
    return ys;
  })];
}

function drawn({ mark, line, dots }) {
  const ink = () => colour(mark), best = mark === "best", dashed = line === "step", stairs = line === "stairs";
  return {
    stroke: ink, width: best && !dashed ? 2.5 : stairs ? 2 : 1.3, spanGaps: true, ...(dashed && { dash: [5, 4] }), alpha: best || stairs || !line ? 1 : 0.75,
    paths: dashed || stairs ? uPlot.paths.stepped({ align: 1 }) : line ? uPlot.paths.linear() : () => null,
    points: { show: dots === undefined, size: best ? 8 : 5, width: 0, stroke: ink, fill: ink },
  };
}

function scale({ log }, [min, max]) {
  return { time: false, distr: log ? 3 : 1, auto: false, min, max, range: (_, from, to) => [from, to] };
}

function axis(given, side) {
  const ink = () => colour("muted"), line = { stroke: () => colour("line"), width: 1 };
  const wide = Math.max(0, ...(given.labels ?? []).map((label) => label.length));
  return {
    side: side ? 3 : 2, stroke: ink, font: FONT, grid: side || given.labels ? line : { show: false }, ticks: { ...line, size: 4 }, gap: 4,
    label: given.text, labelFont: FONT, labelSize: given.text ? 16 : 0, labelGap: 0,
    size: side ? (_, texts) => 14 + 6.2 * Math.max(4, ...(texts ?? []).map((text) => String(text ?? "").length)) : 24,
    space: side ? 26 : 60,
    ...(given.whole && { incrs: [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power)) }),
    ...(given.log && { splits: (_, __, from, to) => powers(from, to), filter: (_, ticks) => ticks }),
    ...(given.labels && { splits: (plot, _, from, to) => labelled(given.labels, from, to, side ? plot.bbox.height / devicePixelRatio / 14 : plot.bbox.width / devicePixelRatio / (7 * wide + 8)) }),
    values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : write(given, tick, ticks))),
  };
}

// Round numbers between two ends of a logarithmic axis: 1, 2 and 5 times powers of ten; more of them where these are few.
function powers(from, to) {
  for (const steps of [[1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const found = [];
    for (let power = Math.floor(Math.log10(from)); 10 ** power <= to; power += 1) {
      found.push(...steps.map((step) => Number((step * 10 ** power).toPrecision(3))).filter((tick) => tick >= from && tick <= to));
    }
    if (found.length > 2) return found.filter((_, index) => index % Math.ceil(found.length / 7) === 0);
  }
  return [from, to].map((end) => Number(end.toPrecision(2)));
}

// The places of names between two ends, at most so many of them.
function labelled(labels, from, to, most) {
  const places = labels.map((_, index) => index).filter((index) => index >= from && index <= to);
  const every = Math.max(1, Math.ceil(places.length / Math.max(1, most)));
  return places.filter((_, index) => index % every === 0);
}

// The two ends of an axis: as they are given, or with a margin beyond the values.
function ends({ log, zero, whole, labels, span }, values) {
  if (span) return span;
  if (labels) return [-0.5, labels.length - 0.5];
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (!values.length) return [0, 1];
  if (log) return low === high ? [low / 2, high * 2] : [low / (high / low) ** 0.05, high * (high / low) ** 0.05];
  if (zero) low = 0;
  const margin = 0.05 * (high - low || (whole ? 20 : Math.abs(high) || 1));
  return [zero ? 0 : low - margin, high + margin];
}

// A number of an axis as it is read; among `ticks`, with as many decimals as tell them apart.
function write({ labels, format }, value, ticks) {
  if (labels) return labels[Math.round(value)] ?? "";
  if (format) return format(value);
  const size = Math.abs(value);
  for (const [unit, text] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (size >= unit) return `${Number((value / (text === "k" ? 1e3 : unit)).toPrecision(4))} ${text}`;
  }
  if (!ticks || ticks.length < 2) return Number.isInteger(value) ? String(value) : size >= 1 ? value.toFixed(2) : value.toFixed(4);
  const step = Math.abs(ticks[1] - ticks[0]), exact = (digits) => Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6;
  return value.toFixed([0, 1, 2, 3, 4, 5].find((digits) => step * 10 ** digits > 0.5 && exact(digits)) ?? 6);
}

// Where a name of such a width is written beside a point: right of it if nothing is there yet, else left, below or above.
// taken: the boxes [left, top, right, bottom] of the names so far, to which this one is added.
function free(x, y, wide, { left, width }, taken) {
  const ratio = devicePixelRatio, [right, before] = [x + 7 * ratio, x - 7 * ratio - wide];
  const within = [-5, 9, -19, 23].flatMap((down) => [[right, y + down * ratio], [before, y + down * ratio]]).filter(([from]) => from >= left && from + wide <= left + width);
  const box = ([from, base]) => [from, base - 10 * ratio, from + wide, base + 2 * ratio];
  const apart = (a, b) => a[2] < b[0] || b[2] < a[0] || a[3] < b[1] || b[3] < a[1];
  const found = within.find((place) => taken.every((other) => apart(box(place), other))) ?? within[0] ?? [right, y - 5 * ratio];
  taken.push(box(found));
  return found;
}

function middle([from, to]) {
  return (from + to) / 2;
}

function colour(mark) {
  const style = getComputedStyle(document.documentElement), read = (name) => style.getPropertyValue(`--${name}`).trim();
  if (typeof mark !== "number") return read(mark);
  const [low, high] = ["low", "high"].map((name) => read(name).match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16)));
  const share = Math.round(mark * SHADES) / SHADES;
  return `rgb(${low.map((part, index) => Math.round(part + share * (high[index] - part))).join(" ")})`;
}

function entry(mark, text) {
  return element("span", {}, element("i", { class: mark }), text);
}
