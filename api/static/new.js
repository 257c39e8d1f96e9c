// A form for a first search. The service proposes the request, checks it at every change and says what it would do and cost;
// the form only puts what is entered into the request.

import { mayStart } from "./access.js";
import { card, element, renew, several, show } from "./dom.js";
import { Probe } from "./probe.js";
import { ask, Key, post, Refused } from "./stream.js";

const PAUSE = 400;

export async function newSearch(signal) {
  document.title = "New search - Segnas";
  if (!mayStart()) return show(head(), card("not allowed", {}, element("p", {}, "This token may look at searches, and start none.")));
  const [datasets, spaces] = await Promise.all([ask("/v1/datasets", { signal }), ask("/v1/spaces", { signal })]);
  if (!datasets.length) return show(head(), card("no data set", {}, ...withoutData()));
  const form = new SearchForm(datasets, Object.fromEntries(spaces.map((space) => [space.kind, space.sizes])), signal);
  show(head(), form.node);
  await form.propose(datasets.find((data) => data.available)?.name ?? datasets[0].name);
}

function head() {
  return [element("div", { class: "line" }, element("a", { href: "#/" }, "All searches")), element("h1", {}, "New search")];
}

function withoutData() {
  return [element("p", {}, "A search needs images and masks, and no data set is registered yet. On the machine of the service:"),
    element("pre", { tabindex: 0 }, "segnas data add mine FOLDER      # a folder of images and masks\n\n# or, to try it out, scenes made by the program:\nsegnas data generate scenes --images 256 --size 128x256\nsegnas data add scenes scenes"),
    element("p", {}, element("a", { href: "#/new", onclick: () => dispatchEvent(new Event("hashchange")) }, "Look again"))];
}

// `put` writes what is entered into a request, `take` reads it from one.
class SearchForm {
  // sizes: of each space, by what it is called in a request.
  constructor(datasets, sizes, signal) {
    this.datasets = datasets;
    this.sizes = sizes;
    this.signal = signal;
    this.request = null;
    this.key = new Key();
    this.checks = 0;
    this.fields = this.makeFields();
    this.state = element("p", { class: "muted", role: "status" });
    this.checking = element("span", { class: "muted", "aria-hidden": "true" }); // at every key: it is not read out
    this.answer = element("div");
    this.probe = new Probe(() => this.entered(), (error) => (error ? this.failed(error) : this.check()), signal);
    this.others = element("div", { role: "alert" });
    this.start = element("button", { class: "main" }, "Start");
    const rows = this.fields.map((field) => field.row);
    const form = element("form", { class: "fields", novalidate: true, onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      rows, this.others, element("div", { class: "line" }, this.start, this.state, this.checking));
    form.addEventListener("input", () => this.changed());
    this.node = element("div", { class: "pair" }, card("what to search", {}, form), card("what it would do", {}, this.answer));
  }

  makeFields() {
    const dataset = select(this.datasets.map(({ name, available, class_names, images }) => ({ value: name, disabled: !available,
      text: available ? `${name}: ${several(class_names.length, "class", "classes")}, ${several(images.train ?? 0, "training image")}` : `${name} (cannot be read)` })));
    dataset.addEventListener("change", () => this.propose(dataset.value));
    const [backbone, strategy, operators] = [select([]), select([]), select(["plain", "extended"].map((value) => ({ value, text: value })))];
    const [name, rungs] = [text(), text()];
    const [trials, concurrent, branches] = [number(1), number(1), number(1, 10)];
    const [height, width] = [number(1), number(1)];
    const keepBack = element("input", { type: "checkbox" });
    this.backbone = backbone;
    this.strategy = strategy;
    this.operators = operators;
    this.branches = branches;
    this.keepBack = keepBack;
    const problems = this.datasets.filter(({ available }) => !available).map(({ name: of, problem }) => `${of}: ${problem}`);
    return [
      field("name", "Name", [name], (to) => { to.name = name.value; }, (from) => { name.value = from.name; }),
      field("fidelity.dataset", "Data set", [dataset], (to) => { to.fidelity.dataset = dataset.value; },
        (from) => { dataset.value = from.fidelity.dataset; }, problems.join("; ")),
      field("fidelity.backbone", "Backbone", [backbone], (to) => { to.fidelity.backbone = JSON.parse(backbone.value); },
        (from) => { backbone.value = JSON.stringify(from.fidelity.backbone); }),
      field("fidelity.crop", "Crop: height and width in pixels", [height, width], (to) => { to.fidelity.crop = [whole(height), whole(width)]; },
        (from) => { [height.value, width.value] = from.fidelity.crop; }),
      field("space.branches", "Branches of a cell", [branches], (to) => { to.space.branches = whole(branches); },
        (from) => { branches.value = from.space.branches; }),
      field("space.operators", "Operators", [operators], (to) => { if (operators.value !== "plain") to.space.operators = operators.value; },
        (from) => { operators.value = from.space.operators ?? "plain"; }),
      field("strategy", "Strategy", [strategy], (to) => { if (to.strategy.name !== strategy.value) to.strategy = { name: strategy.value }; },
        (from) => { strategy.value = from.strategy.name; }),
      field("trials", "Trials", [trials], (to) => { to.trials = whole(trials); }, (from) => { trials.value = from.trials; }),
      field("resources.concurrent", "Trials at a time", [concurrent], (to) => { to.resources.concurrent = whole(concurrent); },
        (from) => { concurrent.value = from.resources.concurrent; }),
      field("fidelity.rungs", "Rungs: iterations after which a trial is scored", [rungs], (to) => { to.fidelity.rungs = wholes(rungs.value); },
        (from) => { rungs.value = from.fidelity.rungs.join(", "); }),
      field("fidelity.holdout", "Keep validation images back, and confirm the best on them at the end", [keepBack],
        (to) => { if (!keepBack.checked) { delete to.fidelity.holdout; delete to.confirm; } },
        (from) => { keepBack.checked = Boolean(from.fidelity.holdout); keepBack.disabled = !keepBack.checked; }),
    ];
  }

  // Asks the service for a request that fits the data set, and begins anew with it.
  async propose(dataset) {
    try {
      const { request, backbones, strategies } = await ask(`/v1/first-search?${new URLSearchParams({ dataset })}`, { signal: this.signal });
      this.request = request;
      this.strategies = strategies;
      options(this.backbone, backbones.map(({ text: words, backbone, problem }) => ({ value: JSON.stringify(backbone), text: problem ? `${words} (not here)` : words, disabled: Boolean(problem) })));
      options(this.strategy, strategies.map(({ name }) => ({ value: name, text: name })));
      for (const { take } of this.fields) take(request);
      await this.check();
    } catch (error) {
      this.failed(error);
    }
  }

  entered() {
    const request = structuredClone(this.request);
    for (const { put } of this.fields) put(request);
    return request;
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), PAUSE);
  }

  // Only the answer to the newest check is shown.
  async check() {
    if (this.request === null || this.signal.aborted) return;
    this.hint();
    const number = this.checks += 1;
    this.checking.textContent = "Checking ...";
    try {
      const found = await post("/v1/searches?dry_run=true", this.entered(), {}, this.signal);
      if (number !== this.checks) return;
      this.tell([], found.warnings);
      renew(this.answer, found, () => answer(found, this.probe.offer(found)));
      this.checking.textContent = this.state.textContent = "";
    } catch (error) {
      if (number === this.checks) this.failed(error);
    }
  }

  hint() {
    const size = this.sizes[this.request.space.kind]?.[`branches=${this.branches.value}, operators=${this.operators.value}`];
    const count = size?.length > 15 ? `about ${size[0]}.${size[1]} x 10^${size.length - 1}` : size?.replace(/\B(?=(\d{3})+$)/g, ",");
    this.field("space.operators").hint.textContent = count ? `${count} architectures` : "";
    this.field("fidelity.holdout").hint.textContent = this.keepBack.disabled ? "The data set has too few validation images to keep some of them back." : "";
    this.field("strategy").hint.textContent = this.strategies.find(({ name }) => name === this.strategy.value)?.text ?? "";
  }

  field(path) {
    return this.fields.find((one) => one.path === path);
  }

  failed(error) {
    if (this.signal.aborted || error.name === "AbortError") return;
    if (error instanceof Refused && error.status === 401) dispatchEvent(new Event("hashchange"));
    this.checking.textContent = this.state.textContent = "";
    const errors = error.errors?.length ? error.errors : [{ path: "", message: error.message }];
    this.tell(errors, []);
    if (error instanceof Refused) renew(this.answer, "refused", () => [element("h2", {}, "What it would do"), element("p", { class: "muted" }, "It cannot start as it is entered: see the fields.")]);
  }

  // Shows each problem at the field that it belongs to, the others below the form.
  tell(errors, warnings) {
    const rest = [];
    for (const one of this.fields) one.problems = [];
    for (const [mark, problems] of [["wrong", errors], ["warning", warnings]]) {
      for (const { path, message } of problems) {
        const place = this.fields.filter((one) => path === one.path || path.startsWith(`${one.path}.`)).sort((a, b) => b.path.length - a.path.length)[0];
        const line = element("p", { class: mark }, place || !path ? message : `${path}: ${message}`);
        if (place) place.problems.push(line);
        else rest.push(line);
      }
    }
    for (const one of this.fields) {
      if (one.place.textContent !== one.problems.map((line) => line.textContent).join("")) one.place.replaceChildren(...one.problems);
      const wrong = one.problems.some((line) => line.className === "wrong");
      for (const input of one.inputs) {
        if (wrong) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    }
    this.others.replaceChildren(...rest);
  }

  // A request that was lost on its way is sent again under the same key, so that it starts no second search.
  async submit() {
    clearTimeout(this.timer);
    const request = this.entered(), key = this.key.of(request);
    this.checks += 1;
    this.start.disabled = true;
    this.state.textContent = "Starting ...";
    try {
      const search = await post("/v1/searches", request, { "Idempotency-Key": key }, this.signal);
      location.hash = `#/${search.id}`;
    } catch (error) {
      this.failed(error instanceof Refused ? error : new Error(`${error.message}. Press Start again: no search is started twice.`));
    } finally {
      this.start.disabled = false;
    }
  }
}

function answer({ facts, yaml }, probe) {
  const copy = element("button", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(yaml);
    copy.textContent = "Copied";
  } }, "Copy");
  return [element("h2", {}, "What it would do"),
    element("table", {}, element("tbody", {}, facts.map(({ name, text: words }) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, words))))),
    probe,
    element("div", { class: "line" }, element("h2", {}, "The same from a file"), element("span", { class: "push" }), navigator.clipboard && copy),
    element("p", { class: "muted" }, "Save it as search.yaml, then: ", element("code", {}, "segnas submit search.yaml --watch")),
    element("pre", { tabindex: 0 }, yaml)];
}

let made = 0;

function field(path, label, inputs, put, take, note = "") {
  const id = `field${made += 1}`;
  const place = element("div", { id: `${id}-problems`, "aria-live": "polite" }), hint = element("p", { class: "muted", id: `${id}-hint` }, note);
  inputs.forEach((input, index) => {
    input.id = index ? `${id}-${index}` : id;
    input.setAttribute("aria-describedby", `${id}-hint ${id}-problems`);
    if (index) input.setAttribute("aria-label", `${label}, the second`);
  });
  const row = element("div", { class: "field" }, element("label", { for: id }, label), element("div", { class: "inputs" }, inputs), hint, place);
  return { path, inputs, put, take, row, place, hint, problems: [] };
}

function select(choices) {
  return options(element("select"), choices);
}

function options(list, choices) {
  list.replaceChildren(...choices.map(({ value, text: words, disabled }) => element("option", { value, disabled }, words)));
  return list;
}

function text() {
  return element("input", { type: "text", autocomplete: "off" });
}

function number(min, max) {
  return element("input", { type: "number", min, max, step: 1, inputmode: "numeric" });
}

// What is no number is sent as it was entered: the service says what is wrong with it.
function whole(input) {
  const value = Number(input.value);
  return input.value.trim() !== "" && Number.isFinite(value) ? value : input.value;
}

function wholes(words) {
  return words.split(/[\s,]+/).filter(Boolean).map((word) => (/^\d+$/.test(word) ? Number(word) : word));
}

