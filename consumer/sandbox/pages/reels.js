// The window of the slot: three columns that spin, stop one after the other, and show what has won.

import { wantsStillness } from "./dom.js";
import { Reel } from "./reel.js";
import { SIZE, paint } from "./reels_paint.js";
import { Symbols } from "./symbols.js";

const SPINS_MIN_S = 0.55;
const BETWEEN_S = 0.24;
const TENSION_S = 0.9;
const TENSE = ["bell", "star", "seven"];

export class Reels {
  #canvas;
  #pen;
  #pictures = new Symbols();
  #reels = [];
  #column = [];
  #lines = [];
  #wins = [];
  #isVoid = false;
  #isWaiting = false;
  #spunS = 0;
  #wonS = 0;
  #scale = 1;
  #turn = 0;
  #frame = 0;
  #ended = () => {};

  /** @param canvas Where it is drawn. */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    new ResizeObserver(() => this.#fit()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
  }

  /** Take the rules, and show some symbols. */
  show({ symbols, lines }) {
    if (this.#reels.length > 0) {
      return;
    }
    this.#lines = lines;
    this.#reels = [0, 1, 2].map(() => new Reel(symbols));
    this.#put([0, 1, 2].map((place) => [0, 1, 2].map((row) => symbols[(symbols.length - 1 + place * 2 + row) % symbols.length])));
    this.#paint();
  }

  /** Begin to spin. */
  spin() {
    this.#wins = [];
    this.#isVoid = false;
    this.#isWaiting = true;
    this.#turn += 1;
    this.#spunS = seconds();
    if (!wantsStillness()) {
      this.#reels.forEach((reel, place) => reel.start(this.#spunS + place * 0.07));
    }
    this.#go();
  }

  /** Stop on an outcome: the columns from top to bottom, and the lines that have won. */
  async stopOn(reels, wins) {
    await this.#stop(reels);
    this.#wins = wins;
    this.#wonS = seconds();
    this.#go();
  }

  /** Stop without an outcome, on what was there before. */
  async stop() {
    await this.#stop(this.#column, true);
  }

  #stop(columns, isVoid = false) {
    this.#isWaiting = false;
    if (wantsStillness() || this.#reels.every((reel) => reel.rests)) {
      this.#put(columns);
      this.#isVoid = isVoid;
      this.#paint();
      return Promise.resolve();
    }
    let atS = Math.max(seconds(), this.#spunS + SPINS_MIN_S);
    this.#reels.forEach((reel, place) => {
      if (place === 2 && !isVoid && this.#isTense(columns)) {
        atS += TENSION_S;
      }
      reel.stopOn(columns[place], atS);
      atS += BETWEEN_S;
    });
    this.#column = columns;
    return new Promise((resolve) => {
      this.#ended = () => {
        this.#isVoid = isVoid;
        resolve();
      };
      // A page that is hidden draws no frames, and must end all the same.
      const turn = this.#turn;
      setTimeout(() => this.#settle(turn), (atS - seconds() + 2.5) * 1000);
      this.#go();
    });
  }

  /** Tell whether the last column can still make a large win. */
  #isTense([first, second]) {
    return this.#lines.some(([top, middle]) => first[top] === second[middle] && TENSE.includes(first[top]));
  }

  #put(columns) {
    this.#column = columns;
    this.#reels.forEach((reel, place) => reel.put(columns[place]));
  }

  #settle(turn) {
    if (turn === this.#turn && this.#reels.some((reel) => !reel.rests)) {
      this.#put(this.#column);
      this.#end();
      this.#paint();
    }
  }

  #end() {
    const ended = this.#ended;
    this.#ended = () => {};
    ended();
  }

  #go() {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => this.#step());
    }
  }

  #step() {
    this.#frame = 0;
    const nowS = seconds();
    const didMove = this.#reels.some((reel) => !reel.rests);
    this.#reels.forEach((reel) => reel.move(nowS));
    const moves = this.#reels.some((reel) => !reel.rests);
    if (didMove && !moves) {
      this.#end();
    }
    this.#paint();
    if (moves || (this.#wins.length > 0 && !wantsStillness())) {
      this.#go();
    }
  }

  #fit() {
    const width = this.#canvas.clientWidth * devicePixelRatio;
    if (width > 0) {
      this.#scale = width / SIZE.width;
      this.#canvas.width = Math.round(width);
      this.#canvas.height = Math.round(SIZE.height * this.#scale);
      this.#paint();
    }
  }

  #paint() {
    if (this.#reels.length === 0) {
      return;
    }
    const nowS = seconds();
    paint(this.#pen, {
      nowS,
      scale: this.#scale,
      pictures: this.#pictures,
      columns: this.#reels.map((reel) => ({ seen: [...reel.seen()], speed: reel.speed(nowS) })),
      isDim: this.#isVoid || (this.#isWaiting && wantsStillness()),
      lines: this.#lines,
      wins: this.#wins,
      sinceS: nowS - this.#wonS,
      isStill: wantsStillness(),
    });
  }
}

function seconds() {
  return performance.now() / 1000;
}
