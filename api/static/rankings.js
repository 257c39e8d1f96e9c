// What a full-scale evaluation and a calibration say: how far cheap scores can be trusted.

import { scatter } from "./chart.js";
import { duration, element, score } from "./dom.js";

export function drawRanking(ranking) {
  const marks = ranking.pairs.map((pair) => ({
    x: pair.proxy.score, y: pair.full_scale.score, kind: pair.full_scale.rank === 1 ? "best" : "completed",
    label: `trial ${pair.trial}: ${score(pair.proxy.score)}, at full scale ${score(pair.full_scale.score)}`,
  }));
  const rows = [
    ["the search's order", ranking], ...ranking.rungs.map((rung) => [`score at ${rung.iteration}`, rung]),
    ...ranking.training_free.map((proxy) => [proxy.name.replaceAll("_", " "), proxy]),
  ];
  return [
    element("div", { class: "pair" },
      element("div", {}, element("h2", {}, "Score at full scale against the search's"), scatter(marks, "mIoU in the search")),
      element("div", {}, element("h2", {}, "How well it orders"), table(["", "rho", "95 %", "n", "Cost"], rows.map(([name, one]) => [
        name, rho(one), interval(one), one.n, duration(one.device_seconds ?? undefined)])))),
    ranking.reason && element("p", { class: "muted" }, ranking.reason),
    ...ranking.warnings.map((warning) => element("p", { class: "muted" }, warning)),
  ].filter(Boolean);
}

export function drawCalibration(calibration) {
  const rows = calibration.proxies.map((proxy) => [
    proxy.name, rho(proxy), interval(proxy), proxy.n, duration(proxy.device_seconds ?? undefined),
    proxy.share === null ? "" : `${(100 * proxy.share).toFixed(1)} %`, proxy.pareto ? "yes" : ""]);
  return [element("h2", {}, "Proxies"), table(["Proxy", "rho", "95 %", "n", "Cost", "Of full scale", "Pareto"], rows),
    element("p", {}, calibration.verdict)];
}

function table(heads, rows) {
  return element("table", {},
    element("thead", {}, element("tr", {}, heads.map((head) => element("th", {}, head)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell, index) => element("td", { class: index ? "number" : "" }, String(cell)))))));
}

function rho({ spearman }) {
  return spearman === null ? "" : spearman.toFixed(2);
}

function interval({ interval }) {
  return interval === null ? "" : `${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}`;
}
