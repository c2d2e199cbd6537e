// One stream of events: makes tickets with the key, connects, and connects again where it was.
//
// A ticket stands in for the key, because browsers send no headers with a stream, and a key in a
// URL would end in logs.

const TICKET_S = 300;
const SILENCE_S = 90; // longer than several heartbeats
const WAIT_FIRST_S = 1;
const WAIT_MAX_S = 30;
const ID = "page";
const NAMED = ["subscribed", "caught_up", "heartbeat", "cursor_expired", "error", "shutdown"];
const CLOSED = {
  1012: "The server restarts.",
  4408: "This page was too slow, and the server let it go.",
};

/** A failure in words. It is final if trying again would not help. */
class Failure extends Error {
  constructor(words, { isFinal = false, waitS = 0 } = {}) {
    super(words);
    this.isFinal = isFinal;
    this.waitS = waitS;
  }
}

export class Connection {
  #key;
  #wanted;
  #way;
  #told;
  #cursor = null;
  #failedCount = 0;
  #isStopped = false;
  #isBack = false;
  #close = () => {};
  #timer;
  #silence;

  /**
   * @param key The text of the access key.
   * @param wanted `subjects` (a list, may be empty), `user` and `since` (empty: not given).
   * @param way `websocket` or `sse`.
   * @param told Is told what happens: `event(text)`, `state(name, words)`, `mark(words, isGap)`,
   *   and `problem(words)`; the problem is over if the words are empty.
   */
  constructor(key, wanted, way, told) {
    this.#key = key;
    this.#wanted = wanted;
    this.#way = way;
    this.#told = told;
  }

  async start() {
    this.#told.state("waiting", "Connecting");
    try {
      const url = await this.#streamUrl();
      if (!this.#isStopped) {
        if (this.#way === "websocket") {
          this.#openWebSocket(url);
        } else {
          await this.#openEventSource(url);
        }
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  stop() {
    this.#isStopped = true;
    this.#letGo();
    clearTimeout(this.#timer);
    this.#told.state("idle", "Not connected");
  }

  async #streamUrl() {
    const headers = { Authorization: `Bearer ${this.#key}`, "Content-Type": "application/json" };
    const body = JSON.stringify({ expires_s: TICKET_S });
    const answer = await asked("../v1/tickets", { method: "POST", headers, body });
    const url = new URL("../v1/stream", location.href);
    url.searchParams.set("ticket", (await answer.json()).ticket);
    return url;
  }

  #openWebSocket(url) {
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, ["consumer.v1"]);
    this.#close = () => {
      socket.onclose = socket.onmessage = null;
      socket.close();
    };
    socket.onopen = () => socket.send(JSON.stringify({ op: "subscribe", id: ID, ...this.#place() }));
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code, reason }) => {
      if (code === 4401) {
        this.#failed(new Failure("The key was revoked or has expired.", { isFinal: true }));
      } else {
        this.#failed(new Failure(CLOSED[code] ?? `The connection was lost (${code}${reason && `, ${reason}`}).`));
      }
    };
    this.#heard();
  }

  async #openEventSource(url) {
    const { subjects = [], ...place } = this.#place();
    subjects.forEach((subject) => url.searchParams.append("subject", subject));
    Object.entries(place).forEach(([name, value]) => url.searchParams.set(name, value));
    if (this.#failedCount > 0) {
      await this.#probe(url);
      if (this.#isStopped) {
        return;
      }
    }
    const source = new EventSource(url);
    this.#close = () => source.close();
    source.onmessage = ({ data }) => this.#received(data);
    for (const name of NAMED) {
      source.addEventListener(name, (event) => this.#named(name, event, source));
    }
    source.onopen = () => this.#connected(); // until then, a server may have nothing to say
    this.#heard();
  }

  /** Ask what is wrong with a stream: an `EventSource` does not tell. */
  async #probe(url) {
    const abort = new AbortController();
    try {
      await asked(url, { headers: { Accept: "text/event-stream" }, signal: abort.signal });
    } catch (error) {
      if (error.status !== 410) {
        throw error;
      }
      this.#cursorExpired();
      throw new Failure(error.message);
    } finally {
      abort.abort();
    }
  }

  #named(name, event, source) {
    if (event.data !== undefined) {
      this.#received(event.data || "{}", name);
    } else if (source.readyState === EventSource.CLOSED) {
      this.#failed(new Failure("The connection was lost."));
    } else {
      // The browser connects again, with the id of the last event.
      this.#isBack = true;
      this.#told.state("waiting", "The connection was lost. Connecting again");
    }
  }

  /** Return what is wanted from now on. */
  #place() {
    const { subjects, user, since } = this.#wanted;
    return {
      ...(subjects.length > 0 && { subjects }),
      ...(user && { user }),
      ...(this.#cursor ? { after: this.#cursor } : since && { since }),
    };
  }

  #received(text, name) {
    this.#heard();
    const message = JSON.parse(text);
    this.#cursor = message.cursor ?? this.#cursor;
    switch (message.op ?? name) {
      case "event":
        this.#connected();
        this.#told.event(text);
        break;
      case "subscribed":
      case "caught_up":
      case "heartbeat":
        this.#connected();
        break;
      case "cursor_expired":
        this.#cursorExpired();
        break;
      case "error":
        this.#refused(message);
        break;
      case "shutdown":
        this.#told.state("waiting", "The server restarts");
        break;
    }
  }

  #refused({ reason, message, temporary }) {
    const words = message ?? reason ?? "The server refuses this.";
    if (reason === "cursor_expired") {
      this.#cursorExpired();
    }
    const isFinal = !temporary && reason !== "cursor_expired";
    this.#failed(new Failure(words, { isFinal }));
  }

  #cursorExpired() {
    this.#cursor = null;
    this.#wanted = { ...this.#wanted, since: "" };
    this.#told.mark("Events are missing here: the stream does not hold them any more.", true);
  }

  #connected() {
    if (this.#failedCount > 0 || this.#isBack) {
      this.#told.mark("Connected again.", false);
    }
    this.#failedCount = 0;
    this.#isBack = false;
    this.#told.problem("");
    this.#told.state("live", "Live");
  }

  /** Note that something came. A connection that is dead says nothing, also not that it is dead. */
  #heard() {
    clearTimeout(this.#silence);
    const dead = () => this.#failed(new Failure("The server was silent for too long."));
    this.#silence = setTimeout(dead, SILENCE_S * 1000);
  }

  #letGo() {
    clearTimeout(this.#silence);
    this.#close();
    this.#close = () => {};
  }

  #failed(error) {
    if (this.#isStopped) {
      return;
    }
    this.#letGo();
    if (error.isFinal) {
      this.#isStopped = true;
      this.#told.problem(error.message);
      this.#told.state("idle", "Not connected");
      return;
    }
    this.#failedCount += 1;
    const growing = Math.min(WAIT_FIRST_S * 2 ** (this.#failedCount - 1), WAIT_MAX_S);
    const waitS = Math.max(error.waitS ?? 0, growing) * (0.5 + Math.random() / 2);
    this.#told.problem(`${error.message} Trying again.`);
    this.#told.state("waiting", `Connecting again in ${Math.ceil(waitS)} s`);
    this.#timer = setTimeout(() => this.start(), waitS * 1000);
  }
}

/** Fetch, and throw a `Failure` for everything but success. */
async function asked(url, options) {
  let answer;
  try {
    answer = await fetch(url, { ...options, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch {
    throw new Failure("The server cannot be reached.");
  }
  if (answer.ok) {
    return answer;
  }
  const problem = await answer.json().catch(() => ({}));
  const isFinal = answer.status < 500 && ![408, 410, 425, 429].includes(answer.status);
  const waitS = Number(answer.headers.get("Retry-After")) || 0;
  const failure = new Failure(words(answer.status, problem.detail), { isFinal, waitS });
  failure.status = answer.status;
  throw failure;
}

function words(status, detail) {
  const known = {
    401: "The key is not accepted",
    403: "The key may not do this",
    404: "This server has no stream of events, or hides it from this key",
    410: "The place in the stream is gone",
    429: "Too many requests",
    503: "The server is not ready",
  };
  return `${known[status] ?? `The server answered ${status}`}${detail ? `: ${detail}` : ""}.`;
}
