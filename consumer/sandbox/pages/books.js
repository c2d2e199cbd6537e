// What the ledger has booked, and whether it agrees with the page.

import { ask } from "./ask.js";
import { at, chip, head, make, say, scrollBox, unseen } from "./dom.js";
import { isZero, same, shown } from "./money.js";

const LIMIT = 20;
const LOOKS_MAX_COUNT = 5;
const LOOK_AGAIN_MS = 1000;
const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 };

export class Books {
  #place;
  #read;
  #timer;
  #newest = null;
  #balance = "";
  #books = null;
  #askedCount = 0;

  /**
   * @param place The brand and the session, as a query.
   * @param read Is called with the books when they are read.
   */
  constructor(place, read) {
    this.#place = place;
    this.#read = read;
    at("books-again").addEventListener("click", () => this.look());
  }

  /**
   * Note what the page knows.
   *
   * @param balance The balance that the page shows.
   * @param newest The newest round, or null.
   */
  note(balance, newest) {
    this.#balance = balance;
    this.#newest = newest ?? this.#newest;
    if (this.#books !== null) {
      this.#compare(this.#books);
    }
  }

  /** Read the books. While events wait, they are read again some times. */
  async look(looksCount = 1) {
    clearTimeout(this.#timer);
    const turn = (this.#askedCount += 1);
    try {
      const books = await ask(`../books?${this.#place}&limit=${LIMIT}`);
      if (turn !== this.#askedCount) {
        return; // an answer that is older than the newest question
      }
      this.#books = books;
      say(at("books-problem"), "");
      this.#show(books);
      this.#read(books);
      if (books.waiting_events > 0 && looksCount < LOOKS_MAX_COUNT) {
        this.#timer = setTimeout(() => this.look(looksCount + 1), LOOK_AGAIN_MS);
      }
    } catch (error) {
      if (turn === this.#askedCount) {
        say(at("books-problem"), `The books cannot be read. ${error.message}`);
      }
    }
  }

  #show(books) {
    this.#compare(books);
    at("books-empty").hidden = books.transactions.length > 0;
    const table = make(
      "table", { class: "booked" },
      head("Number", "Time", "Type", "Round", "Amount", "Real", "Bonus", "Balance after", "Event"),
      make("tbody", {}, ...books.transactions.map((one) => this.#row(one))),
    );
    const box = at("books").firstElementChild;
    if (box === null) {
      at("books").append(scrollBox("Table of what the ledger has booked", table));
    } else {
      box.replaceChildren(table); // the same box, so that it keeps the focus and its place
    }
    at("books").hidden = books.transactions.length === 0;
  }

  #compare({ balance, currency, waiting_events: waitingCount, transactions }) {
    const agrees = same(balance, this.#balance);
    at("books-state").dataset.agrees = String(agrees);
    say(at("books-state"), agrees
      ? `The page and the ledger agree: ${shown(balance, currency)}.`
      : `The page shows ${shown(this.#balance, currency)}, but the ledger has ${shown(balance, currency)}.`);
    const waiting = ["", "1 event is not confirmed yet."][waitingCount] ?? `${waitingCount} events are not confirmed yet.`;
    say(at("books-facts"), [this.#counted(transactions), waiting].filter(Boolean).join(" "));
  }

  #counted(transactions) {
    if (this.#newest === null) {
      return "";
    }
    const sent = this.#newest.exchanges.length;
    const booked = transactions.filter((one) => this.#isNewest(one)).length;
    return `The newest round: ${sent} ${sent === 1 ? "call" : "calls"} sent, ${booked} booked.`;
  }

  #isNewest(transaction) {
    return this.#newest !== null && transaction.round_id === this.#newest.round_id;
  }

  #row(one) {
    const isNewest = this.#isNewest(one);
    return make(
      "tr", { class: isNewest ? "newest" : null },
      make(
        "th", { scope: "row" }, String(one.sequence),
        isNewest ? unseen(" (newest round)") : null,
      ),
      make("td", { title: one.time }, clock(one.time)),
      make("td", {}, one.type),
      make("td", { class: "id", title: one.transaction_id }, one.round_id ?? ""),
      make("td", { class: "number" }, shown(one.amount)),
      make("td", { class: "number" }, moved(one.real)),
      make("td", { class: "number" }, moved(one.bonus)),
      make("td", { class: "number" }, shown(one.balance_after)),
      make("td", {}, one.event_confirmed ? chip("good", "confirmed") : chip("info", "waits")),
    );
  }
}

/** Return an amount with its sign: what an account has got, or what it has given. */
function moved(text) {
  if (isZero(text)) {
    return make("span", { class: "nothing" }, shown(text));
  }
  return text.startsWith("-")
    ? make("span", { class: "given" }, `\u2212${shown(text.slice(1))}`)
    : make("span", { class: "got" }, `+${shown(text)}`);
}

function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : date.toLocaleTimeString("en-GB", TIME);
}
