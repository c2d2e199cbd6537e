// The player's choice in the dice: the chance, and the side that wins.

import { at } from "./dom.js";
import { read, shown, times, write } from "./money.js";

const DIGITS = 2; // of a percentage
const WHOLE = 10_000n; // 100 % in hundredths of a percent

export class Choice {
  #rules = null;
  #stake = null;
  #currency = "";
  #share = 5000n;
  #changed;

  /** @param changed Is called with the border and the side when the choice changes. */
  constructor(changed) {
    this.#changed = changed;
    at("slide").addEventListener("input", () => this.#take(at("slide").value));
    at("chance").addEventListener("input", () => this.#take(at("chance").value, true));
    at("chance").addEventListener("change", () => this.#tell());
    for (const side of document.querySelectorAll("input[name=side]")) {
      side.addEventListener("change", () => this.#tell());
    }
  }

  /** Take the rules. */
  rule(rules, currency) {
    this.#rules = rules;
    this.#currency = currency;
    for (const id of ["slide", "chance"]) {
      at(id).min = rules.chance_min;
      at(id).max = rules.chance_max;
    }
    this.#tell();
  }

  /** Take the stake. */
  stake(stake) {
    this.#stake = stake;
    this.#tell();
  }

  get side() {
    return document.querySelector("input[name=side]:checked").value;
  }

  /** The choice as the server gets it. */
  get sent() {
    return { chance: write(this.#share, DIGITS), side: this.side };
  }

  /** The border between winning and losing, in hundredths of a percent. */
  get border() {
    return Number(this.side === "under" ? this.#share : WHOLE - this.#share);
  }

  #take(text, isTyped = false) {
    const share = percent(text);
    const isIn = this.#rules === null
      || (share >= percent(this.#rules.chance_min) && share <= percent(this.#rules.chance_max));
    at("chance").setAttribute("aria-invalid", String(!isIn));
    if (isIn) {
      this.#share = share;
      this.#tell(isTyped);
    }
  }

  #tell(isTyped = false) {
    const chance = plain(this.#share);
    at("slide").value = chance;
    at("slide").setAttribute("aria-valuetext", `${chance} percent`);
    if (!isTyped) {
      at("chance").value = chance; // not while it is typed, or "5." could not become "5.5"
      at("chance").setAttribute("aria-invalid", "false");
    }
    at("under-target").textContent = write(this.#share, DIGITS);
    at("over-target").textContent = write(WHOLE - this.#share, DIGITS);
    this.#price();
    this.#changed(this.border, this.side);
  }

  #price() {
    if (this.#rules === null || this.#stake === null) {
      return;
    }
    const edge = read(this.#rules.house_edge);
    const scale = 10n ** BigInt(edge.digits);
    const above = WHOLE * (scale - edge.units);
    const below = scale * this.#share;
    at("payout").textContent = shown(times(this.#stake, above, below), this.#currency);
    at("multiple").textContent = times("1.0000", above, below);
  }
}

/** Return a percentage in hundredths of a percent. Text that is none is 0. */
function percent(text) {
  const found = /^([0-9]{1,3})(?:\.([0-9]{0,2}))?$/.exec(text.trim());
  return found === null ? 0n : BigInt(found[1] + (found[2] ?? "").padEnd(DIGITS, "0"));
}

/** Return hundredths of a percent without zeros at the end. */
function plain(share) {
  return String(Number(share) / 100);
}
