// Commands and pieces of code, each with a button that copies it.

import { element } from "./dom.js";

const SHOWN = 2000;

export function commands(items) {
  return element("dl", { class: "commands" }, items.map(({ text, command }) => [
    element("dt", {}, text),
    element("dd", {}, element("pre", { tabindex: 0 }, element("code", {}, command)), copyButton(command)),
  ]));
}

function copyButton(command) {
  const button = element("button", { "aria-label": `Copy: ${command}`, onclick: () => copy() }, "Copy");
  const copy = async () => {
    const done = await write(command, button.previousElementSibling);
    button.textContent = done ? "Copied" : "Selected: press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, SHOWN);
  };
  return button;
}

// Browsers give pages the clipboard on https and on this machine only; elsewhere the text is selected.
async function write(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(shown);
    return false;
  }
}
