// A form for a first search. The service proposes the request, checks it at every change and says what it would do and cost;
// the form only puts what is entered into the request.

import { mayStart } from "./access.js";
import { card, element, renew, several, show } from "./dom.js";
import { field, number, options, pair, plain, select, text, whole, wholes } from "./fields.js";
import { redraw } from "./panels.js";
import { Probe } from "./probe.js";
import { ask, Key, post, Refused } from "./stream.js";

const PAUSE = 400, AGAIN = 2000;

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

class SearchForm {
  // sizes: of each space, by what it is called in a request.
  constructor(datasets, sizes, signal) {
    this.datasets = datasets;
    this.sizes = sizes;
    this.signal = signal;
    this.request = null;
    this.key = new Key();
    this.checks = this.proposals = 0;
    this.fields = this.makeFields();
    this.state = element("p", { class: "muted", role: "status" });
    this.checking = element("span", { class: "muted", "aria-hidden": "true" }); // at every key: it is not read out
    [this.facts, this.worth, this.file] = [element("div"), element("div", { class: "worth" }), element("div")];
    this.probe = new Probe(() => this.entered(), (error) => (error ? this.refused(error) : this.check()), signal);
    this.worth.addEventListener("ask", ({ detail }) => { detail.body = this.entered(); });
    this.worth.addEventListener("asked", () => this.check());
    this.worth.addEventListener("refused", (event) => { event.preventDefault(); this.refused(event.detail); });
    this.others = element("div", { role: "alert", tabindex: -1 });
    this.hide(true);
    this.start = element("button", { class: "main" }, "Start");
    const rows = this.fields.map((field) => field.row);
    const form = element("form", { class: "fields", novalidate: true, onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      rows, this.others, element("div", { class: "line" }, this.start, this.state, this.checking));
    form.addEventListener("input", () => this.changed());
    this.node = element("div", { class: "pair" }, card("what to search", {}, form), card("what it would do", {}, this.facts, this.probe.node, this.worth, this.file));
  }

  makeFields() {
    const dataset = select(this.datasets.map(({ name, available, class_names, images }) => ({ value: name, disabled: !available,
      text: available ? `${name}: ${several(class_names.length, "class", "classes")}, ${several(images.train ?? 0, "training image")}` : `${name} (cannot be read)` })));
    const [search, backbone, strategy, operators] = [select([]), select([]), select([]), select(["plain", "extended"].map((value) => ({ value, text: value })))];
    const [branches, rungs] = [number(1, 10), text()];
    const keepBack = element("input", { type: "checkbox" });
    Object.assign(this, { dataset, search, backbone, strategy, operators, branches, keepBack });
    for (const list of [dataset, search]) list.addEventListener("change", () => this.propose(dataset.value, search.value || undefined)); // none before the first proposal
    const problems = this.datasets.filter(({ available }) => !available).map(({ name: of, problem }) => `${of}: ${problem}`);
    this.sought = field([], "Search for", [search]);
    return [
      plain(["name"], "Name", text()),
      this.sought,
      plain(["fidelity.dataset", "bilevel.dataset", "scoring.dataset"], "Data set", dataset, { note: problems.join("; ") }),
      plain(["fidelity.backbone"], "Backbone", backbone, { read: () => JSON.parse(backbone.value), write: JSON.stringify }),
      pair(["fidelity.crop", "bilevel.crop", "scoring.crop"], "Crop: height and width in pixels"),
      plain(["space.branches"], "Branches of a cell", branches),
      field(["space.operators"], "Operators", [operators], {
        put: (to) => { if (operators.value !== "plain") to.space.operators = operators.value; },
        take: (from) => { operators.value = from.space.operators ?? "plain"; },
        shown: ({ space }) => space?.branches !== undefined,
      }),
      whole(["space.layers", "supernet.layers"], "Layers of a network"),
      whole(["space.levels", "supernet.levels"], "Strides that its layers may have: the first so many of 4, 8, 16, 32", 4),
      whole(["space.blocks", "supernet.blocks"], "Blocks of its cell"),
      whole(["fidelity.network.filters", "scoring.network.filters"], "Width of a network that is measured: filters of a block at stride 4"),
      field(["strategy"], "Strategy", [strategy], {
        put: (to) => { if (to.strategy.name !== strategy.value) to.strategy = { name: strategy.value }; },
        take: (from) => { strategy.value = from.strategy.name; },
      }),
      whole(["trials"], "Trials"),
      whole(["seeds"], "Runs, each with a seed of its own"),
      whole(["bilevel.epochs"], "Epochs of a run"),
      plain(["bilevel.architecture_from_epoch"], "Epochs for the weights alone, before the architecture is trained too", number(0)),
      whole(["resources.concurrent"], "Trials at a time"),
      plain(["fidelity.rungs", "scoring.rungs"], "Rungs: iterations after which a trial is scored", rungs, { read: () => wholes(rungs.value), write: (value) => value.join(", ") }),
      field(["fidelity.holdout", "scoring.holdout"], "Keep validation images back, and confirm the best on them at the end", [keepBack], {
        put: (to) => { if (!keepBack.checked) { delete (to.fidelity ?? to.scoring).holdout; delete to.confirm; } },
        take: (from) => { keepBack.checked = Boolean((from.fidelity ?? from.scoring).holdout); keepBack.disabled = !keepBack.checked; },
        shown: () => true,
      }),
    ];
  }

  // Asks the service for a request that fits the data set, and begins anew with it.
  async propose(dataset, search = "cells") {
    const number = this.proposals += 1;
    try {
      const { request, searches, backbones, strategies } = await ask(`/v1/first-search?${new URLSearchParams({ dataset, search })}`, { signal: this.signal });
      if (number !== this.proposals) return; // another data set was chosen meanwhile
      this.request = request;
      options(this.search, searches.map(({ name, text: words }) => ({ value: name, text: words })));
      this.search.value = search;
      this.sought.hint.textContent = searches.find(({ name }) => name === search).about;
      this.strategies = strategies;
      options(this.backbone, backbones.map(({ text: words, backbone, problem }) => ({ value: JSON.stringify(backbone), text: problem ? `${words} (not here)` : words, disabled: Boolean(problem) })));
      options(this.strategy, strategies.map(({ name }) => ({ value: name, text: name })));
      for (const one of this.fields) {
        one.row.hidden = !one.shown(request);
        if (!one.row.hidden) one.take(request);
      }
      await this.check();
    } catch (error) {
      this.failed(error);
    }
  }

  entered() {
    const request = structuredClone(this.request);
    for (const { put, row } of this.fields) if (!row.hidden) put(request);
    return request;
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), PAUSE);
  }

  // Only the answer to the newest check is shown. While a probe finds out whether the search is worth it, and while the service is
  // away, it is checked again and again, quietly.
  async check(quietly = false) {
    clearTimeout(this.timer);
    if (this.request === null || this.signal.aborted) return;
    this.hint();
    const number = this.checks += 1;
    if (!quietly) this.checking.textContent = "Checking ...";
    try {
      const found = await post("/v1/searches?dry_run=true", this.entered(), {}, this.signal);
      if (number !== this.checks) return;
      this.tell([], found.warnings);
      this.show(found);
      if (found.worth_panels.some(({ pending }) => pending)) this.again();
      this.checking.textContent = this.state.textContent = "";
    } catch (error) {
      if (number !== this.checks) return;
      this.failed(error);
      if (!(error instanceof Refused) || error.passing) this.again();
    }
  }

  show({ facts, yaml, device_seconds: known, worth_panels: worth }) {
    renew(this.facts, facts, () => [element("h2", {}, "What it would do"), table(facts)]);
    this.probe.offer(known === null);
    redraw(this.worth, worth);
    renew(this.file, yaml, () => file(yaml));
    this.hide(false);
  }

  // What belongs to a search that could start.
  hide(hidden) {
    for (const place of [this.probe.node, this.worth, this.file]) place.hidden = hidden;
  }

  again() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(true), AGAIN);
  }

  hint() {
    const size = this.sizes[this.request.space?.kind]?.[`branches=${this.branches.value}, operators=${this.operators.value}`];
    const count = size?.length > 15 ? `about ${size[0]}.${size[1]} x 10^${size.length - 1}` : size?.replace(/\B(?=(\d{3})+$)/g, ",");
    this.field("space.operators").hint.textContent = count ? `${count} architectures` : "";
    this.field("fidelity.holdout").hint.textContent = this.keepBack.disabled ? "The data set has too few validation images to keep some of them back." : "";
    this.field("strategy").hint.textContent = this.strategies.find(({ name }) => name === this.strategy.value)?.text ?? "";
  }

  field(path) {
    return this.fields.find(({ paths }) => paths.includes(path));
  }

  failed(error) {
    if (this.signal.aborted || error.name === "AbortError") return;
    if (error instanceof Refused && error.status === 401) dispatchEvent(new Event("hashchange"));
    this.checking.textContent = this.state.textContent = "";
    const errors = error.errors?.length ? error.errors : [{ path: "", message: error.message }];
    this.tell(errors, []);
    if (!(error instanceof Refused) || error.passing) return;
    renew(this.facts, "refused", () => [element("h2", {}, "What it would do"), element("p", { class: "muted" }, "It cannot start as it is entered: see the fields.")]);
    this.hide(true);
  }

  // What a click has asked for was refused: the keyboard goes to the first field that is wrong, else to what is said of none.
  refused(error) {
    this.failed(error);
    const wrong = this.fields.find(({ row, problems }) => !row.hidden && problems.some(({ className }) => className === "wrong"));
    (wrong?.inputs[0] ?? this.others).focus();
  }

  // Shows each problem at the field that it belongs to, the others below the form.
  tell(errors, warnings) {
    const rest = [];
    for (const one of this.fields) one.problems = [];
    for (const [mark, problems] of [["wrong", errors], ["warning", warnings]]) {
      for (const { path, message } of problems) {
        const place = this.fields.filter(({ row }) => !row.hidden).flatMap((one) => one.paths.filter((of) => path === of || path.startsWith(`${of}.`)).map((of) => ({ one, of })))
          .sort((a, b) => b.of.length - a.of.length)[0]?.one;
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
    if (this.starting) return; // Start keeps the keyboard's focus, which a button that is switched off would lose
    clearTimeout(this.timer);
    this.starting = true;
    const request = this.entered(), key = this.key.of(request);
    this.checks += 1;
    this.state.textContent = "Starting ...";
    try {
      const search = await post("/v1/searches", request, { "Idempotency-Key": key }, this.signal);
      location.hash = `#/${search.id}`;
    } catch (error) {
      if (error instanceof Refused) this.refused(error);
      else this.failed(new Error(`${error.message}. Press Start again: no search is started twice.`));
    } finally {
      this.starting = false;
    }
  }
}

function table(facts) {
  return element("table", {}, element("tbody", {}, facts.map(({ name, text: words }) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, words)))));
}

function file(yaml) {
  const copy = element("button", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(yaml);
    copy.textContent = "Copied";
  } }, "Copy");
  return [element("div", { class: "line" }, element("h2", {}, "The same from a file"), element("span", { class: "push" }), navigator.clipboard && copy),
    element("p", { class: "muted" }, "Save it as search.yaml, then: ", element("code", {}, "segnas submit search.yaml --watch")),
    element("pre", { tabindex: 0 }, yaml)];
}
