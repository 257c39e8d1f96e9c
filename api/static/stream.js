// Requests to the service: JSON, and server-sent events by fetch, because EventSource cannot send a token.

const TOKEN = "segnas-token";
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10000;
const SILENCE = 45000; // three heartbeats of the service

export class Refused extends Error {
  // errors: [{ path, message }], the fields that are wrong.
  constructor(status, sentence, errors = []) {
    super(sentence);
    this.status = status;
    this.errors = errors;
  }

  // Whether the same request may be answered in a moment: the service is not ready, or the token has sent too many.
  get passing() {
    return this.status >= 500 || this.status === 429;
  }
}

// The service may stand below a path of a proxy's: its address is where this file lies, less `static/`.
const BASE = new URL("..", import.meta.url);

export function hasToken() {
  return Boolean(sessionStorage.getItem(TOKEN));
}

// The address of a path below the service, such as `/v1/searches`.
export function address(path) {
  return new URL(path.replace(/^\/+/, ""), BASE).href;
}

export function setToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

function headers(more = {}) {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { Authorization: `Bearer ${token}`, ...more } : more;
}

async function check(reply) {
  if (reply.ok) return reply;
  const problem = await reply.json().catch(() => ({}));
  throw new Refused(reply.status, problem.detail || `the service answered ${reply.status}`, problem.errors);
}

async function answer(path, options) {
  return check(await fetch(address(path), { ...options, headers: headers(options.headers) }).catch((error) => {
    throw error.name === "AbortError" ? error : new Error("The service does not answer");
  }));
}

export async function ask(path, options = {}) {
  const reply = await answer(path, options);
  return reply.status === 204 ? null : reply.json();
}

export function post(path, body, headers = {}, signal = null) {
  return ask(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers }, signal });
}

export async function askText(path, options = {}) {
  return (await answer(path, options)).text();
}

export async function askPicture(path) {
  return (await answer(path, {})).blob();
}

export async function readiness() {
  const reply = await fetch(address("/v1/readyz"), { headers: headers() });
  return reply.json();
}

// Calls onEvent(name, data) for each event until "end", or until the signal aborts; resumes a broken stream.
// onState hears "live", "lost" while the stream is broken, and "" at the end.
export async function follow(path, onEvent, onState, signal) {
  let last = null;
  let pause = FIRST_PAUSE;
  while (!signal.aborted) {
    try {
      const more = last === null ? {} : { "Last-Event-ID": last };
      const reply = await check(await fetch(address(path), { headers: headers(more), signal }));
      onState("live");
      for await (const event of events(reply.body)) {
        pause = FIRST_PAUSE;
        last = event.id ?? last;
        onEvent(event.event, JSON.parse(event.data));
        if (event.event === "end") return onState("");
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && !error.passing) throw error;
    }
    onState("lost");
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await heard(reader);
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
      }
      if (event.data !== undefined) yield event;
    }
  }
}

// Reads what comes next. A connection that a sleeping machine or a changed network has cut stays silent and says nothing of it.
async function heard(reader) {
  let timer;
  const silence = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error("the stream is silent")), SILENCE); });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// The idempotency key of a request: the same one for the same request, so that one that is sent again starts nothing twice.
export class Key {
  of(request) {
    const text = JSON.stringify(request);
    if (this.text !== text) {
      this.text = text;
      this.value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    return this.value;
  }
}
