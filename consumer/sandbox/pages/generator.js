// Makes up events, and posts them as a brand does.

import { at, chip, code, head, make, say, scrollBox } from "./dom.js";

const ROWS_MAX_COUNT = 400;
const NEEDED = ["user_id", "game_id"]; // every type needs one of them
const KINDS = { stored: "good", duplicate: "info", rejected: "bad" };

export class Generator {
  #ask;
  #isBusy = false;

  /** @param ask Asks the server with the key. */
  constructor(ask) {
    this.#ask = ask;
    at("generator").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  /** Offer these message types. */
  show(types) {
    const all = at("type").firstElementChild;
    at("type").replaceChildren(all, ...types.map((name) => make("option", { value: name }, name)));
  }

  async #send() {
    if (this.#isBusy) {
      return;
    }
    this.#isBusy = true;
    at("send").setAttribute("aria-disabled", "true");
    say(at("events-problem"), "");
    try {
      const wanted = new URLSearchParams({ type: at("type").value, count: at("count").value });
      const { events } = await this.#ask(`sandbox/samples?${wanted}`);
      const lines = this.#lines(events);
      const answer = await this.#ask("v1/integration/events", { method: "POST", lines: lines.map(({ text }) => `${text}\n`).join("") });
      this.#show(lines, answer.results);
    } catch (error) {
      const again = error.isUnknown ? " Nobody knows how many are stored. A brand sends the same lines again." : "";
      say(at("events-problem"), error.message + again);
    }
    at("send").removeAttribute("aria-disabled");
    this.#isBusy = false;
  }

  /** Return the lines to send. The first event is the one that is broken. */
  #lines(events) {
    return events.flatMap(({ type, body }, place) => {
      const note = at("break").checked && place === 0 ? broken(body) : "";
      const line = { type, note, text: JSON.stringify({ type, data: body }) };
      return at("twice").checked ? [line, line] : [line];
    });
  }

  #show(lines, results) {
    const counts = Object.keys(KINDS).map((status) => [status, results.filter((one) => one.status === status).length]);
    const words = counts.map(([status, count]) => `${count} ${status === "duplicate" ? "duplicate" : status}`);
    say(at("events-told"), `${lines.length} lines sent: ${words.join(", ")}.`);
    const rows = results.slice(0, ROWS_MAX_COUNT).map((result) => row(result, lines[result.line - 1]));
    const table = make(
      "table", { class: "results" },
      head("Line", "Sent", "Answer", "Id", "What it has become"),
      make("tbody", {}, ...rows),
    );
    const body = make("pre", { tabindex: "0", role: "region", "aria-label": "The body" }, lines.map(({ text }) => text).join("\n"));
    at("results").replaceChildren(
      scrollBox("What became of the events", table),
      make("details", { class: "sent-body" }, make("summary", {}, "The body that was sent"), body),
    );
  }
}

/** Remove a field that the event needs, and say which. */
function broken(body) {
  const name = NEEDED.find((field) => field in body) ?? Object.keys(body)[0];
  delete body[name];
  return `without ${name}`;
}

function row({ line, status, id, type, reason, error }, sent) {
  return make(
    "tr", {},
    make("th", { scope: "row" }, String(line)),
    make("td", {}, sent?.type ?? "", sent?.note ? make("span", { class: "without" }, sent.note) : null),
    make("td", {}, chip(KINDS[status] ?? "", status)),
    make("td", { class: "id" }, id ?? ""),
    make("td", {}, type ? code(type) : null, [reason, error].filter(Boolean).join(": ")),
  );
}
