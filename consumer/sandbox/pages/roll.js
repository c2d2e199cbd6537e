// Rolls the dice: its number changes and its mark wanders until the outcome is known.

import { at, wantsStillness } from "./dom.js";
import { drawDie } from "./die.js";

const ROLLS_MIN_S = 0.5;
const LANDS_S = 0.9;
const WHOLE = 10_000;

export class Roll {
  #mood = "idle";
  #number = "–";
  #turn = -Math.PI / 2;
  #mark = null;
  #began = null;
  #landing = null;
  #frame = 0;

  constructor() {
    new ResizeObserver(() => this.#draw()).observe(at("die"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** Show which part of the track wins. Its border is in hundredths. */
  zone(border, side) {
    const isUnder = side === "under";
    at("track-win").style.left = `${isUnder ? 0 : border / 100}%`;
    at("track-win").style.right = `${isUnder ? 100 - border / 100 : 0}%`;
  }

  begin() {
    this.#mood = "idle";
    this.#began = seconds();
    at("track").dataset.mood = "idle";
    if (wantsStillness()) {
      this.#number = "…";
      this.#draw();
    } else {
      this.#go();
    }
  }

  /** End on a number, which is a text such as `73.21`. */
  async end(rolled, hasWon) {
    await this.#land(Math.round(Number(rolled) * 100));
    this.#finish(rolled, hasWon ? "won" : "lost");
  }

  /** End without a number. */
  async stop() {
    this.#finish("–", "idle");
  }

  #land(target) {
    if (wantsStillness() || document.hidden) {
      this.#mark = target;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const beganS = Math.max(seconds(), this.#began + ROLLS_MIN_S);
      this.#landing = { target, from: null, beganS, turn: 0, resolve };
      // A page that is hidden draws no frames, and must end all the same.
      setTimeout(resolve, (beganS - seconds() + LANDS_S + 0.5) * 1000);
      this.#go();
    });
  }

  #finish(number, mood) {
    this.#began = this.#landing = null;
    this.#number = number;
    this.#mood = mood;
    this.#turn = -Math.PI / 2;
    if (mood === "idle") {
      this.#mark = null;
    } else {
      this.#mark = Math.round(Number(number) * 100);
    }
    at("track").dataset.mood = mood;
    this.#draw();
  }

  #go() {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => this.#step());
    }
  }

  #step() {
    this.#frame = 0;
    if (this.#began === null) {
      return;
    }
    const nowS = seconds();
    const landing = this.#landing;
    if (landing === null || nowS < landing.beganS) {
      const sinceS = nowS - this.#began;
      this.#mark = WHOLE * (0.5 - 0.46 * Math.cos(sinceS * 5.2));
      this.#turn = -Math.PI / 2 + sinceS * 7;
    } else {
      landing.from ??= this.#mark ?? WHOLE / 2;
      landing.turn ||= this.#turn;
      const share = Math.min((nowS - landing.beganS) / LANDS_S, 1);
      const done = 1 - (1 - share) ** 3;
      this.#mark = landing.from + (landing.target - landing.from) * done;
      // The stone comes to rest on a corner, as it stood before.
      const rest = Math.ceil((landing.turn + Math.PI / 2) / (Math.PI / 5) + 4) * (Math.PI / 5) - Math.PI / 2;
      this.#turn = landing.turn + (rest - landing.turn) * done;
      if (share === 1) {
        landing.resolve();
        return;
      }
    }
    this.#number = (Math.min(this.#mark, WHOLE - 1) / 100).toFixed(2);
    this.#draw();
    this.#go();
  }

  #draw() {
    drawDie(at("die"), this.#number, this.#turn, this.#mood);
    at("track-mark").hidden = this.#mark === null;
    if (this.#mark !== null) {
      at("track-mark").style.left = `${this.#mark / 100}%`;
    }
  }
}

function seconds() {
  return performance.now() / 1000;
}
