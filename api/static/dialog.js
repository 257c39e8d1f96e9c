// Questions in the page: resolves to what was entered, to an empty object for a plain yes, to null when it was cancelled.

import { element, refocus } from "./dom.js";

// fields: { name, text, type, value, ... }, further keys are attributes of the input; type "area" is text of several lines.
export function question(text, verb, fields = []) {
  const held = document.activeElement; // by then the page may have made what was pressed anew
  return new Promise((answer) => {
    const inputs = fields.map(({ text: label, type, value, ...rest }) => {
      const input = type === "area" ? element("textarea", { rows: 5, ...rest }, value ?? "") : element("input", { type, value, ...rest });
      return element("label", {}, label, input);
    });
    const cancel = element("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const form = element("form", { method: "dialog" }, element("p", { id: "asked" }, text), inputs,
      element("div", { class: "line" }, element("span", { class: "push" }), cancel, element("button", { class: "main", value: "yes" }, verb)));
    const dialog = element("dialog", { "aria-label": verb, "aria-describedby": "asked", onclose: () => {
      dialog.remove();
      refocus(held, document.getElementById("view"));
      answer(dialog.returnValue === "yes" ? Object.fromEntries(new FormData(form)) : null);
    } }, form);
    document.body.append(dialog);
    dialog.showModal();
  });
}
