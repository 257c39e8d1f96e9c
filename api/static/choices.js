// Trials by what they chose: score against one choice, which the reader selects, and lines through all choices (parallel coordinates).

import { Chart } from "./chart.js";
import { element } from "./dom.js";
import { marked } from "./panels.js";

const FEW = 12; // values that an axis of the parallel coordinates can name

// Gives the elements, and a function that shows a newer panel of the same choices in them: what was selected stays selected.
export function choices(panel) {
  let shown = panel;
  const groups = [...new Set(panel.choices.map(({ group }) => group))];
  const select = element("select", { onchange: () => slice.show(sliceOf(shown, Number(select.value))) },
    groups.map((group) => within(group, panel.choices.map(({ text, group: of }, index) => of === group && element("option", { value: index }, text)))));
  const through = element("select", { onchange: () => parallel.show(parallelOf(shown, through.value)) }, groups.map((group) => element("option", { value: group }, group)));
  const slice = new Chart(sliceOf(panel, 0)), parallel = new Chart(parallelOf(panel, groups[0])), notes = element("div");
  const show = (newer) => {
    shown = newer;
    slice.show(sliceOf(newer, Number(select.value)));
    parallel.show(parallelOf(newer, through.value));
    notes.replaceChildren(...newer.notes.map((text) => element("p", { class: "muted remark" }, text)));
  };
  show(panel);
  const elements = [
    element("div", { class: "pair" },
      element("div", {}, element("label", { class: "beside" }, "Choice", select), slice.element),
      element("div", {}, groups.length > 1 && element("label", { class: "beside" }, "Lines through", through),
        element("p", { class: "muted remark" }, "Each line is a trial; the better, the stronger its colour."), parallel.element)),
    notes,
  ];
  return { elements, show };
}

function within(group, options) {
  return group ? element("optgroup", { label: group }, options) : options;
}

function sliceOf({ trials, choices: all, y_text: of }, at) {
  const { text, values } = all[at];
  const aside = ({ number }) => 0.5 * (((number * 0.618) % 1) - 0.5); // so that equal choices do not lie on one line
  const points = trials.map((trial) => ({ x: trial.values[at] + aside(trial), y: trial.value, mark: trial.mark, text: `${trial.text}, ${values[trial.values[at]]}` }));
  return { name: `Score against ${text}`, x: { text, labels: values }, y: { text: of }, series: marked(points) };
}

// An axis for each choice of a group that has few values, and one for the score, each from 0 to 1. Trials ascend in score: the best lie on top.
function parallelOf({ trials, choices: all, y_text: of }, group) {
  const shown = all.map((choice, at) => ({ ...choice, at })).filter((choice) => choice.group === group && choice.values.length <= FEW);
  const reached = trials.map(({ value }) => value), least = Math.min(...reached), most = Math.max(...reached);
  const share = (value) => (most > least ? (value - least) / (most - least) : 1);
  const height = ({ values }, value) => (values.length > 1 ? value / (values.length - 1) : 0.5);
  const beside = ({ number, mark }) => (mark === "best" ? 0 : 0.03 * (((number * 0.618) % 1) - 0.5)); // so that equal lines can be told apart
  const series = trials.map((trial, rank) => ({
    text: trial.text, mark: trial.mark === "best" ? "best" : rank / trials.length, line: "straight", dots: "unseen",
    points: [...shown.map((choice, x) => ({ x, y: height(choice, trial.values[choice.at]) + beside(trial), text: `${trial.text}, ${choice.text}: ${choice.values[trial.values[choice.at]]}` })),
      { x: shown.length, y: share(trial.value), text: trial.text }],
  }));
  const notes = shown.flatMap((choice, x) => choice.values.map((text, value) => ({ x, y: height(choice, value), text })));
  return {
    name: "Choices of each trial", x: { labels: [...shown.map(({ short }) => short), of], span: [-0.3, shown.length + 0.2] },
    y: { format: () => "", span: [-0.06, 1.06] }, series, notes,
  };
}
