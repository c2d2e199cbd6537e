// What was sent and answered: a table of calls for each round, the newest round first.

import { chip, code, head, make, scrollBox } from "./dom.js";
import { isZero, shown } from "./money.js";
import { lasted } from "./lasted.js";

const ROUNDS_MAX_COUNT = 20;
const STATES = {
  settled: ["good", "settled"],
  refused: ["bad", "refused"],
  rolled_back: ["warn", "rolled back"],
  open: ["info", "open"],
};
let lastId = 0;

export class Journal {
  #list;
  #empty;

  /**
   * @param list The element that gets the rounds.
   * @param empty The text that stands there before the first round.
   */
  constructor(list, empty) {
    this.#list = list;
    this.#empty = empty;
  }

  /** Add a round. It is open, and those before it are closed. */
  add(played) {
    this.#empty.hidden = true;
    for (const older of this.#list.querySelectorAll("details.round")) {
      older.open = false;
    }
    this.#list.prepend(make("li", {}, roundOf(played)));
    while (this.#list.childElementCount > ROUNDS_MAX_COUNT) {
      this.#list.lastElementChild.remove();
    }
  }
}

function roundOf(played) {
  const [kind, words] = STATES[played.status] ?? ["info", played.status];
  const count = played.exchanges.length;
  const summary = make(
    "summary", {},
    make("h3", {}, played.round_id),
    chip(kind, words),
    make("span", { class: "fact" }, `stake ${shown(played.stake, played.currency)}`),
    isZero(played.win) ? null : make("span", { class: "fact" }, `win ${shown(played.win, played.currency)}`),
    played.why ? code(played.why) : null,
    make("span", { class: "fact" }, count === 1 ? "1 call" : `${count} calls`),
  );
  const details = make("details", { class: "round" }, summary, tableOf(played));
  details.open = true;
  return details;
}

function tableOf({ round_id: id, exchanges }) {
  if (exchanges.length === 0) {
    return make("p", { class: "empty" }, "Nothing was sent.");
  }
  const wholeMs = Math.max(...exchanges.map((one) => one.at_ms + one.took_ms), 1);
  const rows = exchanges.flatMap((one, place) => rowsOf(one, place + 1, wholeMs));
  return scrollBox(
    `Calls of round ${id}`,
    make(
      "table", { class: "calls" },
      head("Call", "Answer", "Sent", "Time", "What is special"),
      make("tbody", {}, ...rows),
    ),
  );
}

function rowsOf(exchange, place, wholeMs) {
  const id = `call-${lastId += 1}`;
  const button = make(
    "button", { type: "button", class: "call", "aria-expanded": "false", "aria-controls": id, title: "Show the whole call" },
    make("span", { class: "place" }, String(place)), exchange.verb,
  );
  const whole = make("tr", { id, class: "whole", hidden: true }, make("td", { colspan: "5" }));
  button.addEventListener("click", () => {
    whole.hidden = !whole.hidden;
    button.setAttribute("aria-expanded", String(!whole.hidden));
    if (whole.firstChild.childElementCount === 0) {
      whole.firstChild.append(wholeOf(exchange, place));
    }
  });
  const row = make(
    "tr", { class: exchange.note ? "odd" : null },
    make("th", { scope: "row" }, button),
    make("td", {}, answerOf(exchange)),
    make("td", { class: "sent" }, ...sentOf(exchange)),
    make("td", {}, lasted(exchange, wholeMs)),
    make("td", { class: "note" }, exchange.note),
  );
  return [row, whole];
}

/** Yield the parts of a body that tell one call from another. */
function* sentOf({ transaction_id: id, request: { body } }) {
  const amounts = body.bet && body.win
    ? `bet ${body.bet.amount}, win ${body.win.amount}`
    : body.amount;
  if (amounts) {
    yield make("span", { class: "amount" }, [amounts, body.currency].filter(Boolean).join(" "));
  }
  yield make("span", { class: "id", title: id }, id);
}

function answerOf({ answer }) {
  if (answer === null) {
    return chip("warn", "no answer");
  }
  const kind = answer.status < 300 ? "good" : answer.status < 500 ? "bad" : "warn";
  return make(
    "span", { class: "answer" },
    chip(kind, String(answer.status)),
    answer.code ? code(answer.code) : null,
    answer.replayed ? make("span", { class: "id" }, "answered before") : null,
  );
}

function wholeOf({ request, answer }, place) {
  const sent = `${request.method} ${request.target}\nX-Signature: ${request.signature}\n\n${written(request.body)}`;
  const came = answer === null ? "No answer came." : `${answer.status}\n\n${written(answer.body)}`;
  return make(
    "div", { class: "pair" },
    make("div", {}, make("h4", {}, "Request"), box(sent, `Request of call ${place}`)),
    make("div", {}, make("h4", {}, "Answer"), box(came, `Answer to call ${place}`)),
  );
}

function box(words, label) {
  return make("pre", { tabindex: "0", role: "region", "aria-label": label }, words);
}

function written(body) {
  return JSON.stringify(body, null, 2);
}
