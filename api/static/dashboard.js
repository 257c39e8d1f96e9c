// Links into the Ray dashboard, which asks for a token of its own: the service signs the browser in, or says how to get in.

import { element } from "./dom.js";
import { ask } from "./stream.js";

// A click on a link to the dashboard, wherever the link stands, goes through the door. `address`: where the dashboard is, or null.
export function guardLinks(address) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[target=_blank]"), base = address();
    if (!link || !base || !(link.href === base || link.href.startsWith(`${base}/`))) return;
    event.preventDefault();
    enter(link.href);
  });
}

async function enter(target) {
  try {
    const { token, signed_in: signedIn } = await ask("/v1/dashboard", { method: "POST" });
    if (token === null || signedIn) open(target, "_blank", "noopener");
    else tell(target, "The dashboard asks for this token, with which one can start programs on the cluster:", token);
  } catch (error) {
    tell(target, `The dashboard asks for a token: ${error.message}.`, null);
  }
}

function tell(target, words, token) {
  const copy = element("button", { type: "button", class: "main", onclick: async () => {
    await navigator.clipboard.writeText(token);
    copy.textContent = "Copied";
  } }, "Copy token");
  const dialog = element("dialog", { "aria-label": "Ray dashboard", onclose: () => dialog.remove() },
    element("p", {}, words), token !== null && !navigator.clipboard && element("p", {}, element("code", {}, token)),
    element("div", { class: "line" }, token !== null && navigator.clipboard && copy,
      element("button", { type: "button", onclick: () => { dialog.close(); open(target, "_blank", "noopener"); } }, "Open the dashboard"),
      element("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
  document.body.append(dialog);
  dialog.showModal();
}
