// Questions in the page: resolves to what was entered, to an empty object for a plain yes, to null when it was cancelled.

import { element } from "./dom.js";

// fields: { name, text, type, value, ... }, further keys are attributes of the input; type "area" is text of several lines.
export function question(text, verb, fields = []) {
  return new Promise((answer) => {
    const inputs = fields.map(({ text: label, type, value, ...rest }) => {
      const input = type === "area" ? element("textarea", { rows: 5, ...rest }, value ?? "") : element("input", { type, value, ...rest });
      return element("label", {}, label, input);
    });
    const cancel = element("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const form = element("form", { method: "dialog" }, element("p", {}, text), inputs,
      element("div", { class: "line" }, element("span", { class: "push" }), cancel, element("button", { class: "main", value: "yes" }, verb)));
    const dialog = element("dialog", { "aria-label": verb, onclose: () => {
      dialog.remove();
      answer(dialog.returnValue === "yes" ? Object.fromEntries(new FormData(form)) : null);
    } }, form);
    document.body.append(dialog);
    dialog.showModal();
  });
}
