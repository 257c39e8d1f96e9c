// A probe of the search that is being entered: a small search that measures what its steps cost, followed until it is over.

import { element } from "./dom.js";
import { ask, Key, post, Refused } from "./stream.js";

const PAUSE = 2000;

export class Probe {
  // entered: gives the request; done: called when a probe is over, or with the error for which none was started.
  constructor(entered, done, signal) {
    Object.assign(this, { entered, done, signal, key: new Key() });
    this.button = element("button", { type: "button", onclick: () => this.run() }, "Measure what it costs");
    this.about = element("p", { class: "muted" }, "A probe, a small search of some minutes, measures what a step costs on this service. Nothing else is started.");
    this.state = element("p", { role: "status" });
    this.node = element("div", { class: "probe" }, this.about, this.button, this.state);
  }

  // The button is offered while the cost is not known.
  offer(unknown) {
    const held = document.activeElement === this.button;
    this.about.hidden = this.button.hidden = !unknown;
    if (held && !unknown) this.state.querySelector("a")?.focus();
  }

  async run() {
    if (this.busy) return; // the button keeps the keyboard's focus, which one that is switched off would lose
    this.busy = true;
    this.say("muted", "Starting the probe ...");
    try {
      const request = this.entered();
      await this.follow(await post("/v1/searches?dry_run=true&measure=true", request, { "Idempotency-Key": this.key.of(request) }, this.signal));
      this.key = new Key(); // the next one is another probe
      this.done();
    } catch (error) {
      if (this.signal.aborted) return;
      this.say("wrong", error instanceof Refused ? "" : error.message);
      if (error instanceof Refused) this.done(error);
    } finally {
      this.busy = false;
    }
  }

  // Until the probe is over; while the service is away it is asked again.
  async follow(probe) {
    let { status, trials, planned, message } = probe;
    const link = element("a", { href: `#/${probe.id}` }, `probe ${probe.id}`);
    while (!["completed", "failed", "stopped"].includes(status)) {
      const over = Object.entries(trials).reduce((sum, [name, count]) => sum + (name === "running" ? 0 : count), 0);
      this.say("muted", "The ", link, ` is ${status}: ${over} of ${planned} done${message ? `. ${message}` : ""}`);
      await new Promise((next) => setTimeout(next, PAUSE));
      if (this.signal.aborted) return;
      try {
        ({ status, trials, planned, message } = await ask(`/v1/searches/${probe.id}`, { signal: this.signal }));
      } catch (error) {
        if (this.signal.aborted || (error instanceof Refused && error.status < 500)) throw error;
        this.say("wrong", `${error.message}: trying again.`);
      }
    }
    if (status === "completed") this.say("muted", "Measured by the ", link, ".");
    else this.say("wrong", "The ", link, ` ${status === "failed" ? "failed" : "was stopped"}${message ? `: ${message}` : "."}`);
  }

  say(mark, ...words) {
    if (this.state.className === mark && this.state.textContent === words.map((word) => word.textContent ?? word).join("")) return; // it is not read out twice
    this.state.className = mark;
    this.state.replaceChildren(...words);
  }
}
