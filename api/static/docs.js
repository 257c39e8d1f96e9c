// Shows the OpenAPI document as a page without loading anything from another host: requests, responses, curl lines.

import { element, show } from "./dom.js";
import { keyboard } from "./keys.js";
import { address } from "./stream.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

const schema = await (await fetch(address("/openapi.json"))).json();
document.title = `${schema.info.title} API`;
const groups = schema.tags.map((tag) => group(tag, operations().filter((operation) => operation.tags?.includes(tag.name))));
show(element("h1", {}, `${schema.info.title} ${schema.info.version}`), prose(schema.info.description), groups);

keyboard();

function operations() {
  return Object.entries(schema.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })));
}

function group(tag, members) {
  return element("section", { class: "card" }, element("h2", {}, tag.name), element("p", { class: "muted" }, tag.description), members.map(entry));
}

function entry(operation) {
  return element("details", {},
    element("summary", {}, element("span", { class: `method ${operation.method}` }, operation.method.toUpperCase()),
      element("code", {}, operation.path), " ", element("span", { class: "muted" }, firstSentence(operation.description))),
    prose(operation.description),
    (operation["x-codeSamples"] ?? []).map(sample),
    parameters(operation.parameters ?? []),
    content("Body", operation.requestBody?.content),
    Object.entries(operation.responses).map(([status, response]) => content(`Answer ${status}: ${response.description}`, response.content)));
}

function sample({ source }) {
  const copy = element("button", { onclick: async () => { await navigator.clipboard.writeText(source); copy.textContent = "copied"; } }, "copy");
  return element("div", {}, copy, element("pre", { tabindex: 0 }, source));
}

function parameters(list) {
  if (!list.length) return null;
  return element("table", {}, element("tbody", {}, list.map((parameter) => element("tr", {},
    element("td", {}, element("code", {}, parameter.name)), element("td", { class: "muted" }, parameter.in),
    element("td", { class: "muted" }, typeName(parameter.schema)), element("td", {}, inline(parameter.description))))));
}

function content(title, kinds) {
  return Object.entries(kinds ?? {}).map(([media, { schema: shape, example, examples }]) => element("details", {},
    element("summary", {}, title, " ", element("span", { class: "muted" }, `${media} ${typeName(shape)}`)),
    example !== undefined && element("pre", { tabindex: 0 }, JSON.stringify(example, null, 2)),
    Object.entries(examples ?? {}).map(([name, { value }]) => [element("div", { class: "muted" }, name), element("pre", { tabindex: 0 }, JSON.stringify(value, null, 2))]),
    shape && element("details", {}, element("summary", { class: "muted" }, "schema"), element("pre", { tabindex: 0 }, JSON.stringify(expand(shape, 0), null, 2)))));
}

// Replaces each $ref by its schema, three levels deep; openapi.json has the complete document.
function expand(shape, depth) {
  if (Array.isArray(shape)) return shape.map((part) => expand(part, depth));
  if (shape === null || typeof shape !== "object") return shape;
  if (shape.$ref) {
    const name = shape.$ref.split("/").at(-1);
    return depth >= 3 ? name : expand(schema.components.schemas[name], depth + 1);
  }
  return Object.fromEntries(Object.entries(shape).filter(([key]) => key !== "title").map(([key, value]) => [key, expand(value, depth)]));
}

function typeName(shape) {
  if (!shape) return "";
  if (shape.$ref) return shape.$ref.split("/").at(-1);
  if (shape.anyOf) return shape.anyOf.map(typeName).join(" | ");
  if (shape.enum) return shape.enum.join(" | ");
  return shape.type === "array" ? `[${typeName(shape.items)}]` : shape.type ?? "";
}

function prose(text) {
  return (text ?? "").trim().split(/\n\s*\n/).filter(Boolean).map((paragraph) =>
    element("p", {}, inline(paragraph)));
}

function inline(text) {
  return (text ?? "").replace(/\s+/g, " ").split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

function firstSentence(text) {
  return (text ?? "").split(/(?<=\.)\s/)[0].replace(/\s+/g, " ").replaceAll("`", "");
}
