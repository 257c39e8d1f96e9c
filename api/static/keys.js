// The keyboard, on every page: Tab passes over a place that has nothing to scroll, Escape closes what is open.

export function keyboard() {
  addEventListener("keydown", (event) => {
    if (event.key === "Tab") stops();
    else if (event.key === "Escape" && !event.defaultPrevented) close(event.target);
  });
}

// What is too wide or too high for its place is scrolled by the arrow keys, once the keyboard is in it. Whether it is so depends on the
// window and on what arrives, so it is looked at when it matters.
function stops() {
  for (const place of document.querySelectorAll(".card, pre")) {
    const scrolls = place.scrollWidth > place.clientWidth + 1 || place.scrollHeight > place.clientHeight + 1;
    place.tabIndex = scrolls ? 0 : -1;
  }
}

function close(target) {
  const opened = target.closest?.("details[open]");
  if (!opened) return;
  opened.open = false;
  opened.querySelector("summary").focus();
}
