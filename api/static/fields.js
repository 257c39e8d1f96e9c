// Fields of a form that changes a request. A field stands for one place of the request, or for several that have one value: `put`
// writes what is entered, `take` reads what is there. It is shown where the request has such a place.

import { element } from "./dom.js";

let made = 0;

function nothing() {}

// How a field is read and written, and when it is shown; without them it is not part of the request.
export function field(paths, label, inputs, { put = nothing, take = nothing, shown, note = "" } = {}) {
  const id = `field${made += 1}`;
  const place = element("div", { id: `${id}-problems`, "aria-live": "polite" }), hint = element("p", { class: "muted", id: `${id}-hint` }, note);
  inputs.forEach((input, index) => {
    input.id = index ? `${id}-${index}` : id;
    input.setAttribute("aria-describedby", `${id}-hint ${id}-problems`);
    if (index) input.setAttribute("aria-label", `${label}, the second`);
  });
  const row = element("div", { class: "field" }, element("label", { for: id }, label), element("div", { class: "inputs" }, inputs), hint, place);
  return { paths, inputs, put, take, row, place, hint, problems: [], shown: shown ?? ((request) => !paths.length || paths.some((path) => at(request, path) !== undefined)) };
}

function at(request, path) {
  return path.split(".").reduce((from, name) => from?.[name], request);
}

// Writes a value at those places that the request has.
function put(request, paths, value) {
  for (const path of paths) {
    const names = path.split("."), last = names.pop(), parent = names.reduce((from, name) => from?.[name], request);
    if (parent && last in parent) parent[last] = value;
  }
}

function taken(request, paths) {
  return paths.map((path) => at(request, path)).find((value) => value !== undefined);
}

// A field of one input; `read` and `write` turn its text into the request's value and back.
export function plain(paths, label, input, { read = () => entered(input), write = (value) => value, note } = {}) {
  return field(paths, label, [input], { put: (to) => put(to, paths, read()), take: (from) => { input.value = write(taken(from, paths)); }, note });
}

export function whole(paths, label, max) {
  return plain(paths, label, number(1, max));
}

export function pair(paths, label) {
  const inputs = [number(1), number(1)];
  return field(paths, label, inputs, {
    put: (to) => put(to, paths, inputs.map(entered)),
    take: (from) => taken(from, paths).forEach((value, index) => { inputs[index].value = value; }),
  });
}

export function select(choices) {
  return options(element("select"), choices);
}

export function options(list, choices) {
  list.replaceChildren(...choices.map(({ value, text: words, disabled }) => element("option", { value, disabled }, words)));
  return list;
}

export function text() {
  return element("input", { type: "text", autocomplete: "off" });
}

export function number(min, max) {
  return element("input", { type: "number", min, max, step: 1, inputmode: "numeric" });
}

// What is no number is sent as it was entered: the service says what is wrong with it.
function entered(input) {
  if (input.type !== "number") return input.value;
  const value = Number(input.value);
  return input.value.trim() !== "" && Number.isFinite(value) ? value : input.value;
}

export function wholes(words) {
  return words.split(/[\s,]+/).filter(Boolean).map((word) => (/^\d+$/.test(word) ? Number(word) : word));
}
