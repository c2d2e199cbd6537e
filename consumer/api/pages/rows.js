// The list of events: the newest first, and only the last ones.

import { indented, members, plain } from "./raw_json.js";

const ROWS_MAX_COUNT = 300;
const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 };

export class Rows {
  #list;
  #count;
  #waiting = [];
  #isPaused = false;
  #willPaint = false;
  #seenCount = 0;
  #unpaintedCount = 0;

  /**
   * @param list The element that gets the rows.
   * @param changed Is called with the number of events, of rows, and of events that wait because
   *   the list is paused.
   */
  constructor(list, changed) {
    this.#list = list;
    this.#count = changed;
  }

  /** Add an event, as the text of its message. */
  add(text) {
    this.#seenCount += 1;
    this.#unpaintedCount += 1;
    this.#push(() => eventRow(text));
  }

  /** Add a line about the connection. */
  mark(words, isGap) {
    this.#push(() => markRow(words, isGap));
  }

  pause(isPaused) {
    this.#isPaused = isPaused;
    this.#paintSoon();
  }

  clear() {
    this.#waiting = [];
    this.#seenCount = this.#unpaintedCount = 0;
    this.#list.replaceChildren();
    this.#tell();
  }

  #push(make) {
    this.#waiting.push(make);
    if (this.#waiting.length > ROWS_MAX_COUNT) {
      this.#waiting.shift(); // a page that is paused or hidden must not grow
    }
    this.#paintSoon();
  }

  #paintSoon() {
    // Many events may come between two frames, and are painted together.
    if (!this.#willPaint) {
      this.#willPaint = true;
      requestAnimationFrame(() => this.#paint());
    }
  }

  #paint() {
    this.#willPaint = false;
    if (!this.#isPaused) {
      const rows = this.#waiting.map((make) => make()).reverse();
      this.#waiting = [];
      this.#unpaintedCount = 0;
      this.#list.prepend(...rows);
      while (this.#list.childElementCount > ROWS_MAX_COUNT) {
        this.#list.lastElementChild.remove();
      }
    }
    this.#tell();
  }

  #tell() {
    const waitingCount = this.#isPaused ? this.#unpaintedCount : 0;
    this.#count(this.#seenCount, this.#list.childElementCount, waitingCount);
  }
}

function eventRow(text) {
  const message = members(text);
  const event = members(message.get("event") ?? "{}");
  const data = members(event.get("data") ?? "{}");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const amount = [data.get("amount"), data.get("currency")].map(plain).join(" ").trim();
  summary.append(
    cell("time", clock(plain(event.get("time")))),
    cell("subject", plain(message.get("subject")) || plain(event.get("type"))),
    cell("player", plain(event.get("subject"))),
    cell("id", plain(event.get("id"))),
    cell("amount", amount),
  );
  const whole = document.createElement("pre");
  whole.tabIndex = 0; // so that the keyboard can scroll it
  details.addEventListener("toggle", () => {
    whole.textContent = indented(message.get("event") ?? text);
  }, { once: true });
  details.append(summary, whole);
  return row(details);
}

function markRow(words, isGap) {
  const mark = cell(isGap ? "mark gap" : "mark", words, "div");
  return row(mark);
}

function row(content) {
  const item = document.createElement("li");
  item.append(content);
  return item;
}

function cell(name, text, tag = "span") {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  element.title = text;
  return element;
}

/** Return the time of an event, in the reader's zone. Its day is in the whole event. */
function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? time
    : date.toLocaleTimeString("en-GB", TIME);
}
