// Builds elements. All text becomes text nodes, so that nothing that a user wrote is ever parsed as HTML.

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// A framed part of a page. Where it is too narrow for its content, the keyboard can scroll it too (keys.js).
export function card(name, attributes = {}, ...children) {
  return element("section", { class: "card", "aria-label": name, tabindex: 0, ...attributes }, ...children);
}

let arriving = false;

// What is shown next is another page: it is read from its beginning.
export function leave() {
  arriving = true;
}

export function show(...children) {
  const view = document.getElementById("view");
  const fill = () => view.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (!arriving) return keepFocus(view, fill);
  fill();
  arriving = false;
  scrollTo(0, 0);
  if (document.activeElement === document.body) view.focus({ preventScroll: true });
}

// Replaces the content of a place only when `key`, all that the content depends on, is another than the last time.
export function renew(place, key, make) {
  const known = JSON.stringify(key);
  if (place.madeOf === known) return;
  place.madeOf = known;
  keepFocus(place, () => place.replaceChildren(...make().flat(Infinity).filter(Boolean)));
}

// Makes the content of a place anew: the keyboard stays at the link, button or field that is as the one before was, else at the first.
export function keepFocus(place, change) {
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  const fresh = change() ?? place;
  if (held) refocus(held, fresh);
}

// Where the element that had the keyboard has left the page, what is as it was in a place gets it, else the first that can.
export function refocus(held, place) {
  if (held.isConnected) return;
  const all = [...place.querySelectorAll("a, button, input, select, summary, [tabindex]")];
  const called = (node) => node.getAttribute("aria-label") ?? node.textContent;
  const alike = all.find((node) => node.tagName === held.tagName && called(node) === called(held));
  (alike ?? all[0])?.focus({ preventScroll: true });
}

// A place above everything else for what is wrong just now, such as that the service does not answer; it stays in sight.
export function notice() {
  return element("p", { class: "outage wrong", role: "status" });
}

// Puts a text into a place only where it is another one: what has not changed is not read out again.
export function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

// Changes the children of `place` in place: an item that is as before keeps its element, and with it focus and selection.
export function update(place, items, name, make) {
  const before = new Map([...place.children].map((child) => [child.itemName, child]));
  let next = place.firstElementChild;
  for (const item of items) {
    const key = name(item), content = JSON.stringify(item);
    let child = before.get(key);
    before.delete(key);
    if (child?.madeOf !== content) {
      const fresh = Object.assign(make(item), { itemName: key, madeOf: content });
      if (child === next) next = next?.nextElementSibling ?? null;
      keepFocus(child ?? fresh, () => {
        child?.remove();
        child = fresh;
        place.insertBefore(child, next);
        return fresh;
      });
    } else if (child === next) next = next.nextElementSibling;
    else place.insertBefore(child, next);
  }
  for (const child of before.values()) child.remove();
}

// Text that breaks into lines only at spaces; a browser alone would break at a hyphen too.
export function unbroken(text) {
  return text.split(/( +)/).map((part, index) => (index % 2 ? part : element("span", { class: "word" }, part)));
}

export function percent(done, total) {
  return total > 0 ? Math.min(100, (100 * done) / total) : 0;
}

const ORDER = ["completed", "pruned", "failed", "stopped", "running"];

// Entries [status, count] of the trial counts that are not 0; running trials come last.
export function counted(trials) {
  return Object.entries(trials).filter(([, count]) => count).sort((a, b) => ORDER.indexOf(a[0]) - ORDER.indexOf(b[0]));
}

// A number of things: "1 image", "2 images".
export function several(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

// A bar of parts [status, count]; `text` is shown at it instead of the counts.
export function bar(parts, total, text) {
  return element("div", { class: "bar" }, parts.map(([status, count]) => {
    const part = element("span", { class: status, title: text ?? `${count} ${status}` });
    part.style.width = `${percent(count, total)}%`;
    return part;
  }));
}

export function score(value) {
  return value === null || value === undefined ? "" : value.toFixed(4);
}

// Lets the browser save a value as a JSON file.
export function save(value, file) {
  download(JSON.stringify(value, null, 2), "application/json", file);
}

export function download(text, type, file) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
