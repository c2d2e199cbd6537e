// Pictures of the games in the lobby.

import { drawDie } from "./die.js";
import { picture } from "./symbols.js";

const REELS = ["bell", "seven", "cherry"];

/** Draw the picture of a game, now and whenever its size or the colours change. */
export function art(canvas, game) {
  const draw = () => {
    if (canvas.clientWidth > 0) {
      (game === "dice" ? dice : slot)(canvas);
    }
  };
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

function dice(canvas) {
  drawDie(canvas, "73.21", -Math.PI / 2, "idle");
}

function slot(canvas) {
  const width = (canvas.width = Math.round(canvas.clientWidth * devicePixelRatio));
  const height = (canvas.height = Math.round(canvas.clientHeight * devicePixelRatio));
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const pen = canvas.getContext("2d");
  const gap = height * 0.06;
  const cell = Math.min((width - 4 * gap) / 3, height * 0.78);
  const left = (width - 3 * cell - 2 * gap) / 2;
  const top = (height - cell * 1.08) / 2;
  REELS.forEach((name, place) => {
    const x = left + place * (cell + gap);
    pen.fillStyle = isDark ? "#18222a" : "#fffaf0";
    pen.beginPath();
    pen.roundRect(x, top, cell, cell * 1.08, cell * 0.1);
    pen.fill();
    const side = cell * 0.82;
    pen.drawImage(picture(name, side), x + (cell - side) / 2, top + (cell * 1.08 - side) / 2, side, side);
  });
}
