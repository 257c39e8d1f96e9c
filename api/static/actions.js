// What a user can do to a search: one button for each action that the service lists.

import { question } from "./dialog.js";
import { element } from "./dom.js";
import { ask } from "./stream.js";

// text: of the button; about: the question asked first; send: the request.
const ACTIONS = {
  pause: { text: "Pause", send: (search) => post(search, "pause") },
  resume: { text: "Resume", send: (search) => post(search, "resume") },
  retry: { text: "Try what failed again", send: (search) => post(search, "resume?retry_failed=true") },
  extend: {
    text: "Extend", about: ({ extendable }) => `How many ${extendable} shall the search have in all?`,
    fields: ({ extendable, spec }) => [{ name: extendable, text: extendable, type: "number", min: spec[extendable], value: spec[extendable], required: true }],
    send: (search, entered) => post(search, "extend", numbers(entered)),
  },
  stop: { text: "Stop", about: () => "Stop this search? What it has measured stays, and it can be resumed.", send: (search) => post(search, "stop") },
  delete: {
    text: "Delete", about: ({ name }) => `Delete ${name} with everything it has measured? There is no way back.`,
    send: async (search) => {
      await ask(`/v1/searches/${search.id}`, { method: "DELETE" });
      location.hash = "#/";
    },
  },
};

// `acted` is called afterwards with an empty text, or with the sentence why it was refused.
export function actionButtons(search, acted) {
  return search.actions.filter((name) => ACTIONS[name]).map((name) =>
    element("button", { onclick: () => perform(ACTIONS[name], search, acted) }, ACTIONS[name].text));
}

export function editButton(search, acted) {
  const fields = [
    { name: "name", text: "Name", type: "text", value: search.name, required: true, maxlength: 200 },
    { name: "tags", text: "Tags, words with spaces between them", type: "text", value: search.tags.join(" ") },
    { name: "notes", text: "Notes", type: "area", value: search.notes },
  ];
  const send = (_, { name, tags, notes }) => sendJson(`/v1/searches/${search.id}`, "PATCH",
    { name, tags: tags.split(/[\s,]+/).filter(Boolean), notes: notes.replaceAll("\r\n", "\n") });
  const edit = { text: "Save", about: () => "What shall people call this search, and remember about it?", fields: () => fields, send };
  return element("button", { onclick: () => perform(edit, search, acted) }, "Edit");
}

async function perform({ text, about, fields, send }, search, acted) {
  const entered = about ? await question(about(search), text, fields?.(search)) : {};
  if (entered === null) return;
  try {
    await send(search, entered);
    acted("");
  } catch (error) {
    acted(error.message);
  }
}

function post(search, path, body) {
  return sendJson(`/v1/searches/${search.id}/${path}`, "POST", body);
}

function sendJson(path, method, body) {
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return ask(path, { method, ...json });
}

function numbers(entered) {
  return Object.fromEntries(Object.entries(entered).map(([name, value]) => [name, Number(value)]));
}
