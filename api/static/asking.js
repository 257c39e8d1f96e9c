// A question that a click asks: the button sends it, and says what was refused or lost. A form around it puts what is entered into
// `detail.body` of the event "ask", and may take a refusal over; who shows the answer hears "asked".

import { mayStart } from "./access.js";
import { element } from "./dom.js";
import { ask, post, Refused } from "./stream.js";

export function asking({ lines, button: words, path }) {
  const state = element("p", { role: "status" });
  const button = element("button", { type: "button", onclick: () => send() }, words);
  let busy = false;
  const tell = (name, detail) => {
    const event = new CustomEvent(name, { bubbles: true, cancelable: true, detail });
    button.dispatchEvent(event);
    return event;
  };
  const say = (mark, text) => Object.assign(state, { className: mark, textContent: text });
  async function send() {
    if (busy) return; // it keeps the keyboard's focus, which a button that is switched off would lose
    busy = true;
    say("muted", "Starting ...");
    try {
      const { body } = tell("ask", {}).detail;
      await (body ? post(path, body) : ask(path, { method: "POST" }));
      tell("asked");
    } catch (error) {
      const taken = error instanceof Refused && tell("refused", error).defaultPrevented;
      say("wrong", taken ? "" : error instanceof Refused ? error.message : `${error.message}. Press it again: nothing is started twice.`);
    } finally {
      busy = false;
    }
  }
  return [lines.map((line) => element("p", { class: "muted" }, line)), mayStart() && button, state];
}
