// Fingers on a chart: two zoom it about what is between them, one moves what is zoomed sideways. Up and down one finger scrolls the page.

const APART = 30; // pixels: along an axis on which two fingers lie closer than that they only move it
const LEAST = 1e-3; // of a whole axis is shown at least

// chart: has plot (of uPlot), view and full ({ x: [from, to], y: [from, to] }), spec ({ x, y }, which may be { log: true }), and zoom(view).
export function fingers(plane, chart) {
  const now = new Map();
  let begun = null; // what was shown when the number of fingers last changed, and where they were

  const begin = () => { begun = now.size && chart.plot ? { view: chart.view, places: new Map(now) } : null; };
  const up = (event) => { if (now.delete(event.pointerId)) begin(); };
  plane.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || now.size === 2) return;
    now.set(event.pointerId, [event.clientX, event.clientY]);
    begin();
  });
  plane.addEventListener("pointermove", (event) => {
    if (!now.has(event.pointerId) || !begun || !chart.plot) return;
    now.set(event.pointerId, [event.clientX, event.clientY]);
    const zoomed = JSON.stringify(chart.view) !== JSON.stringify(chart.full);
    if (now.size === 2 || zoomed) chart.zoom(moved());
  });
  for (const name of ["pointerup", "pointercancel"]) plane.addEventListener(name, up);

  function moved() {
    const { left, top, width, height } = chart.plot.over.getBoundingClientRect();
    const share = ([x, y]) => [(x - left) / width, 1 - (y - top) / height];
    const pairs = [...now].map(([id, place]) => [share(begun.places.get(id)), share(place)]);
    const along = (axis, index, size) => shifted(
      { ends: begun.view[axis], full: chart.full[axis], log: chart.spec[axis].log },
      pairs.map(([from, to]) => [from[index], to[index]]), APART / size);
    return { x: along("x", 0, width), y: now.size === 2 ? along("y", 1, height) : begun.view.y };
  }
}

// The ends of an axis such that what was under each finger is under it still, within the whole axis.
// fingers: of each the share of the axis where it was, and where it is; apart: the least distance between two that zooms.
export function shifted({ ends, full, log }, fingers, apart) {
  const flat = (value) => (log ? Math.log10(value) : value), back = (value) => (log ? 10 ** value : value);
  const [from, to] = ends.map(flat), [least, most] = full.map(flat), whole = most - least;
  const [[a, a2], [b, b2] = [a, a2]] = fingers;
  const zooms = Math.abs(a - b) > apart && Math.abs(a2 - b2) > apart && (a - b) * (a2 - b2) > 0;
  const factor = zooms ? (a - b) / (a2 - b2) : 1;
  const span = Math.min(whole, Math.max(LEAST * whole, (to - from) * factor));
  const held = from + ((a + b) / 2) * (to - from); // what is between the fingers
  const start = Math.min(most - span, Math.max(least, held - ((a2 + b2) / 2) * span));
  return [start, start + span].map(back);
}
