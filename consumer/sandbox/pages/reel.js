// One column of the slot: where its symbols are at a moment.
//
// A column is a strip without an end. The symbol with the number `i` stands `place - i` rows below
// the top, so symbols go down while `place` grows. At rest, `place` is a whole number.

const SPEED = 19; // rows a second
const STARTS_S = 0.35;
const STOPS_ROWS = 6;
const BACK = 0.75; // how far it swings over its place
const ROWS = 3;

export class Reel {
  #symbols;
  #strip = new Map();
  #place = 0;
  #begin = 0;
  #began = null;
  #stop = null;

  /** @param symbols The names of the symbols. */
  constructor(symbols) {
    this.#symbols = symbols;
  }

  /** Tell whether it does not move. */
  get rests() {
    return this.#began === null;
  }

  /** How fast it moves: 1 is as fast as it gets. */
  speed(nowS) {
    if (this.rests) {
      return 0;
    }
    if (this.#stop !== null && nowS >= this.#stop.beganS) {
      return Math.max(0, 1 - (nowS - this.#stop.beganS) / (this.#stop.lastsS * 0.55));
    }
    return Math.min(Math.max(0, nowS - this.#began) / STARTS_S, 1);
  }

  /** Show these symbols at once. */
  put(column) {
    this.#began = this.#stop = null;
    this.#place = Math.round(this.#place);
    column.forEach((name, row) => this.#strip.set(this.#place - row, name));
  }

  start(nowS) {
    this.#began = nowS;
    this.#stop = null;
    this.#begin = this.#place;
  }

  /** Stop on these symbols, from a moment on. */
  stopOn(column, beginS) {
    const from = this.#running(beginS);
    const target = Math.ceil(from) + STOPS_ROWS;
    column.forEach((name, row) => this.#strip.set(target - row, name));
    // The first moment of the curve is as fast as the reel is then.
    this.#stop = { beganS: beginS, from, target, lastsS: ((3 + BACK) * (target - from)) / SPEED };
  }

  /** Move to where it is at a moment. */
  move(nowS) {
    if (this.rests) {
      return;
    }
    if (this.#stop === null || nowS < this.#stop.beganS) {
      this.#place = this.#running(nowS);
      return;
    }
    const { beganS, from, target, lastsS } = this.#stop;
    const share = Math.min((nowS - beganS) / lastsS, 1);
    this.#place = from + (target - from) * swing(share);
    if (share === 1) {
      this.#place = target;
      this.#began = this.#stop = null;
      this.#forget();
    }
  }

  /** Yield the symbols that can be seen, with their rows. A row may be a fraction. */
  *seen() {
    const newest = Math.floor(this.#place) + 1;
    for (let number = newest; number > newest - ROWS - 2; number -= 1) {
      yield [this.#at(number), this.#place - number];
    }
  }

  #running(nowS) {
    const sinceS = Math.max(0, nowS - this.#began); // the columns start one after the other
    const startedS = Math.min(sinceS, STARTS_S);
    const rest = Math.max(0, sinceS - STARTS_S) * SPEED;
    return this.#begin + (SPEED * startedS * startedS) / (2 * STARTS_S) + rest;
  }

  #at(number) {
    if (!this.#strip.has(number)) {
      this.#strip.set(number, this.#symbols[Math.floor(Math.random() * this.#symbols.length)]);
    }
    return this.#strip.get(number);
  }

  #forget() {
    for (const number of this.#strip.keys()) {
      if (number < this.#place - ROWS || number > this.#place + 1) {
        this.#strip.delete(number);
      }
    }
  }
}

/** Return how much of the way is done: fast at first, and at the end a little too far and back. */
function swing(share) {
  const left = share - 1;
  return 1 + (BACK + 1) * left ** 3 + BACK * left ** 2;
}
