// What the token that was entered may do: the service says it, and the pages show only what it may.

import { element } from "./dom.js";
import { ask, Refused } from "./stream.js";

let access = null; // until the service has answered, nothing is hidden: it refuses what is not allowed

export async function learnAccess(signal) {
  try {
    access = await ask("/v1/access", { signal });
  } catch (error) {
    if (error.name === "AbortError" || (error instanceof Refused && !error.passing)) throw error;
  }
  document.getElementById("who").textContent = access?.name ? `${access.name} (${access.scope})` : "";
}

export function mayStart() {
  return access?.may_start ?? true;
}

// Ray's token starts any program on the cluster, so only admins get it, and only they are led to Ray's pages.
export function mayEnterDashboard() {
  return (access?.scope ?? "admin") === "admin";
}

export function mayChange(search) {
  const whose = access?.may_change ?? "all";
  return whose === "all" || (whose === "own" && search.owner === access.name);
}

// Whose a search is, as a link to all of theirs.
export function ownerLink({ owner }) {
  return owner && element("a", { class: "tag", href: `#/?${new URLSearchParams({ owner })}` }, `by ${owner}`);
}
