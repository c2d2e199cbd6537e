// The symbols of the slot as pictures. Each is drawn once for each size, and then copied.

import { bell, seven, star } from "./charms.js";
import { cherry, lemon, plum } from "./fruits.js";

const DRAWN = { cherry, lemon, plum, bell, star, seven };
const SIDE = 100; // of the square in which they are drawn
const MARGIN = 8; // for their shadow
const BLUR = 0.55; // how far a symbol is drawn out when it is fast, as a part of its height
const BLURS = 3; // how many steps there are from sharp to blurred
const COPIES = 32;

export class Symbols {
  #pictures = new Map();
  #scale = 0;

  /**
   * Draw a symbol around a point.
   *
   * @param side Its size in the units of the pen.
   * @param scale The pixels of a unit.
   * @param speed How fast it moves down: 0 is at rest, 1 is as fast as it gets.
   */
  draw(pen, name, x, y, side, scale, speed) {
    if (this.#scale !== scale) {
      this.#scale = scale;
      this.#pictures.clear();
    }
    const blur = Math.round(speed * BLURS);
    const key = `${name} ${blur}`;
    if (!this.#pictures.has(key)) {
      const sharp = picture(name, side * scale);
      this.#pictures.set(key, blur ? blurred(sharp, (blur / BLURS) * BLUR) : sharp);
    }
    const found = this.#pictures.get(key);
    const width = side * ((SIDE + 2 * MARGIN) / SIDE);
    const height = (width * found.height) / found.width;
    pen.drawImage(found, x - width / 2, y - height / 2, width, height);
  }
}

/** Return a canvas with a symbol. `side` is in pixels. */
export function picture(name, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.max(1, Math.ceil((side * (SIDE + 2 * MARGIN)) / SIDE));
  const pen = canvas.getContext("2d");
  const scale = canvas.width / (SIDE + 2 * MARGIN);
  // A shadow under the whole symbol, and not under each of its strokes.
  const sharp = document.createElement("canvas");
  sharp.width = sharp.height = canvas.width;
  const sharpPen = sharp.getContext("2d");
  sharpPen.setTransform(scale, 0, 0, scale, MARGIN * scale, MARGIN * scale);
  (DRAWN[name] ?? unknown(name))(sharpPen);
  pen.shadowColor = "#00000055";
  pen.shadowBlur = 5 * scale;
  pen.shadowOffsetY = 3 * scale;
  pen.drawImage(sharp, 0, 0);
  return canvas;
}

/** Return a picture that is drawn out up and down, as of something fast. */
function blurred(sharp, length) {
  const out = Math.round(sharp.height * length);
  const canvas = document.createElement("canvas");
  canvas.width = sharp.width;
  canvas.height = sharp.height + out;
  const pen = canvas.getContext("2d");
  pen.globalCompositeOperation = "lighter"; // so that the copies add up to a mean
  pen.globalAlpha = 1 / COPIES;
  for (let copy = 0; copy < COPIES; copy += 1) {
    pen.drawImage(sharp, 0, (out * copy) / (COPIES - 1));
  }
  return canvas;
}

function unknown(name) {
  return (pen) => {
    pen.fillStyle = "#64748b";
    pen.beginPath();
    pen.roundRect(14, 14, 72, 72, 12);
    pen.fill();
    pen.fillStyle = "#ffffff";
    pen.font = "bold 44px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(name.charAt(0).toUpperCase(), 50, 53);
  };
}
