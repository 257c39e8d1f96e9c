// What a kind of search shows beside its trials: snapshots, heads, a ranking, a calibration.

import { curves } from "./chart.js";
import { duration, element, score } from "./dom.js";
import { drawCalibration, drawRanking } from "./rankings.js";
import { trellis } from "./trellis.js";

// Where the data is, and how to draw it; undefined where there is nothing beside the trials.
export function extraOf({ kind, id, spec, parent }) {
  if (kind === "auto_deeplab") return { path: `/v1/searches/${id}/snapshots`, draw: (snapshots) => drawSnapshots(snapshots, spec) };
  if (kind === "reference") return { path: `/v1/searches/${id}/heads`, draw: drawHeads };
  if (kind === "full_scale") return { path: `/v1/searches/${parent}/ranking?full_scale=${id}`, draw: drawRanking };
  if (kind === "calibration") return { path: `/v1/calibrations/${id}`, draw: drawCalibration };
  return undefined;
}

function drawSnapshots(snapshots, spec) {
  const runs = Map.groupBy(snapshots, (snapshot) => snapshot.run);
  const last = [...runs.values()].map((found) => found.at(-1));
  const best = last.reduce((one, other) => (rank(other) > rank(one) ? other : one), last[0]);
  if (!best) return [element("h2", {}, "Runs"), element("p", { class: "muted" }, "no epoch is over yet")];
  const line = (run, kind, value) => ({
    label: `run ${run[0].run}`, kind,
    points: run.map((snapshot) => [snapshot.epoch, value(snapshot)]).filter(([, y]) => y !== null),
  });
  const kindOf = (run) => (run[0].run === best.run ? "best" : "completed");
  const all = [...runs.values()];
  const supernet = all.map((run) => line(run, kindOf(run), (snapshot) => snapshot.supernet_miou));
  const entropies = all.flatMap((run) => [line(run, kindOf(run), (one) => one.alpha_entropy), line(run, "running", (one) => one.beta_entropy)]);
  const words = [`run ${best.run}, epoch ${best.epoch}: supernet ${score(best.supernet_miou)}`,
    best.score === null ? "" : `, decoded ${score(best.score)} (trial ${best.trial})`, `, ${duration(best.device_seconds)}`,
    best.stopped_by ? `, stopped by ${best.stopped_by}` : ""].join("");
  return [
    element("div", { class: "pair" },
      element("div", {}, element("h2", {}, "Supernet (validation mIoU)"), curves(supernet, "epochs")),
      element("div", {}, element("h2", {}, "Entropy, 1 is undecided"), curves(entropies, "epochs"),
        element("div", { class: "legend" }, element("span", {}, element("i", { class: "best" }), "alpha"), element("span", {}, element("i", { class: "running" }), "beta")))),
    element("h2", {}, `Decoded path, ${words}`), trellis(best.path, spec.supernet.levels),
    element("pre", {}, element("code", {}, cell(best.architecture))),
  ];
}

function rank(snapshot) {
  return snapshot.score ?? snapshot.supernet_miou - 1;
}

function cell({ blocks }) {
  const state = (index) => (index === 0 ? "H(l-2)" : index === 1 ? "H(l-1)" : `block ${index - 2}`);
  return blocks.map(({ edges }, index) => `block ${index}: ${edges.map((edge) => `${edge.operator}(${state(edge.input)})`).join(" + ")}`).join("\n");
}

function drawHeads(rows) {
  const heads = ["Head", "Parameters", "Multiply-adds", "mIoU", "Spread", "Seeds", "To the trunk"];
  const difference = ({ mean, error }) => `${mean < 0 ? "" : "+"}${mean.toFixed(4)}${error === null ? "" : ` ± ${error.toFixed(4)}`}`;
  return [element("h2", {}, "Heads"), element("table", {},
    element("thead", {}, element("tr", {}, heads.map((head) => element("th", {}, head)))),
    element("tbody", {}, rows.map((row) => element("tr", {},
      element("td", {}, row.head),
      element("td", { class: "number" }, row.parameters?.toLocaleString() ?? ""),
      element("td", { class: "number" }, row.multiply_adds === null ? "" : `${(row.multiply_adds / 1e6).toFixed(1)} M`),
      element("td", { class: "number" }, score(row.mean)),
      element("td", { class: "number" }, score(row.spread)),
      element("td", { class: "number" }, String(Object.keys(row.scores).length)),
      element("td", { class: "number" }, row.difference ? difference(row.difference) : "")))))];
}
