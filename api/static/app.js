// The live page: #/ lists the searches (#/?status=running those of a status), #/s0123456789ab follows one
// search, #/s0123456789ab/7 shows one of its trials, #/compare/ID,ID shows searches side by
// side, #/new is the form for a new search.

import { learnAccess, mayEnterDashboard } from "./access.js";
import { element, leave, show } from "./dom.js";
import { guardLinks } from "./dashboard.js";
import { keyboard } from "./keys.js";
import { hasToken, readiness, Refused, setToken } from "./stream.js";
import { compareSearches } from "./compare.js";
import { listSearches } from "./list.js";
import { newSearch } from "./new.js";
import { followSearch } from "./search.js";
import { showTrial } from "./trial.js";

let leaving = new AbortController(), dashboard = null, at = location.hash;

async function route() {
  leaving.abort();
  leaving = new AbortController();
  if (location.hash !== at) leave();
  at = location.hash;
  const [, search, trial] = location.hash.match(/^#\/(s[0-9a-f]{12})(?:\/(\d+))?$/) ?? [];
  try {
    await learnAccess(leaving.signal);
    showDashboard();
    const filter = new URLSearchParams(location.hash.split("?")[1]);
    const compared = location.hash.match(/^#\/compare\/([a-z0-9,]+)$/)?.[1].split(",");
    if (location.hash === "#/new") await newSearch(leaving.signal);
    else if (compared) await compareSearches(compared, leaving.signal);
    else if (trial) await showTrial(search, trial, leaving.signal);
    else await (search ? followSearch(search, leaving.signal) : listSearches(filter, leaving.signal));
  } catch (error) {
    if (error instanceof Refused && error.status === 401) askForToken(hasToken() && error.message);
    else if (error.name !== "AbortError") show(element("p", { class: "wrong", role: "alert" }, error.message), element("a", { href: "#/" }, "All searches"));
  }
}

// refused: why the token that was entered is not taken, as a sentence; false where none was.
function askForToken(refused) {
  document.getElementById("who").textContent = "";
  const input = element("input", { type: "password", placeholder: "token", "aria-label": "token", autocomplete: "off", autofocus: true });
  const enter = (event) => {
    event.preventDefault();
    setToken(input.value.trim());
    route();
    showReadiness();
  };
  show(refused && element("p", { class: "wrong", role: "alert" }, refused),
    element("form", { class: "card line", onsubmit: enter }, element("h1", {}, "This service asks for a token"), input, element("button", {}, "Enter")));
}

async function showReadiness() {
  const place = document.getElementById("ready");
  try {
    const server = await readiness();
    const missing = Object.values(server.parts).filter((part) => !part.ok).map((part) => part.message);
    place.textContent = server.ready ? `version ${server.version}` : `not ready: ${missing.join("; ")}`;
    place.className = server.ready ? "muted" : "wrong";
    dashboard = /^https?:/.test(server.ray_dashboard ?? "") ? server.ray_dashboard : null;
    showDashboard();
  } catch {
    place.textContent = "the service does not answer";
    place.className = "wrong";
  }
}

function showDashboard() {
  const link = document.getElementById("dashboard");
  link.hidden = dashboard === null || !mayEnterDashboard();
  if (!link.hidden) link.href = dashboard;
}

guardLinks(() => dashboard);
keyboard();
addEventListener("hashchange", route);
route();
showReadiness();
setInterval(showReadiness, 10000);
