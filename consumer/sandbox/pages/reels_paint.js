// Paints the window of the slot at one moment.

const CELL = { width: 124, height: 112 };
const GAP = 12;
const EDGE = 20;
const SYMBOL = 96;
const COLUMNS = 3;
const ROWS = 3;
const LINE_COLOURS = ["#ff5d73", "#ffb020", "#37c978", "#38a8ff", "#b57bff"];
const ALL_S = 1.4; // how long all lines are shown before each has its turn
const TURN_S = 1.1;

export const SIZE = {
  width: 2 * EDGE + COLUMNS * CELL.width + (COLUMNS - 1) * GAP,
  height: 2 * EDGE + ROWS * CELL.height,
};

/**
 * Paint.
 *
 * @param pen The pen of the canvas.
 * @param view What is to be seen: `columns` with their symbols and speeds, the `wins`, and how long
 *   they have been shown (`sinceS`).
 */
export function paint(pen, view) {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  pen.setTransform(view.scale, 0, 0, view.scale, 0, 0);
  pen.clearRect(0, 0, SIZE.width, SIZE.height);
  paintFrame(pen, isDark);
  const wins = turnOf(view);
  view.columns.forEach((column, place) => paintColumn(pen, view, column, place, wins, isDark));
  wins.forEach((win) => paintLine(pen, view, win));
  wins.forEach((win) => paintWinners(pen, view, win)); // on top of the lines, so that they can be seen
}

/** Return the lines that are shown now: first all, then one after the other. */
function turnOf({ wins, sinceS, isStill }) {
  if (wins.length < 2 || isStill || sinceS < ALL_S) {
    return wins;
  }
  return [wins[Math.floor((sinceS - ALL_S) / TURN_S) % wins.length]];
}

function paintFrame(pen, isDark) {
  const wood = pen.createLinearGradient(0, 0, 0, SIZE.height);
  const colours = isDark ? ["#1d4a40", "#0d2621"] : ["#17705f", "#0b4439"];
  wood.addColorStop(0, colours[0]);
  wood.addColorStop(1, colours[1]);
  pen.fillStyle = wood;
  pen.beginPath();
  pen.roundRect(0, 0, SIZE.width, SIZE.height, 22);
  pen.fill();
  pen.strokeStyle = "#f0c766";
  pen.lineWidth = 2;
  pen.beginPath();
  pen.roundRect(8, 8, SIZE.width - 16, SIZE.height - 16, 16);
  pen.stroke();
}

function paintColumn(pen, view, { seen, speed }, place, wins, isDark) {
  const left = EDGE + place * (CELL.width + GAP);
  const height = ROWS * CELL.height;
  pen.save();
  pen.beginPath();
  pen.roundRect(left, EDGE, CELL.width, height, 12);
  pen.clip();
  pen.fillStyle = isDark ? "#18222a" : "#fffaf0";
  pen.fillRect(left, EDGE, CELL.width, height);
  for (const [name, row] of seen) {
    const isWinner = wins.some((win) => speed === 0 && view.lines[win.line][place] === Math.round(row));
    paintSymbol(pen, view, name, left, row, speed, view.isDim || (wins.length > 0 && !isWinner));
  }
  paintRoundness(pen, left, height, isDark);
  pen.restore();
}

function paintSymbol(pen, view, name, left, row, speed, isDim) {
  const x = left + CELL.width / 2;
  const y = EDGE + (row + 0.5) * CELL.height;
  pen.save();
  pen.globalAlpha = isDim ? 0.32 : 1;
  view.pictures.draw(pen, name, x, y, SYMBOL, view.scale, speed);
  pen.restore();
}

function paintWinners(pen, view, { line, symbol }) {
  const grown = view.isStill ? 1.04 : 1.02 + 0.08 * Math.sin(view.sinceS * 5) ** 2;
  view.lines[line].forEach((row, place) => {
    pen.save();
    pen.translate(EDGE + place * (CELL.width + GAP) + CELL.width / 2, EDGE + (row + 0.5) * CELL.height);
    pen.scale(grown, grown);
    view.pictures.draw(pen, symbol, 0, 0, SYMBOL, view.scale, 0);
    pen.restore();
  });
}

/** Darken the top and the bottom, as on a drum. */
function paintRoundness(pen, left, height, isDark) {
  const dark = isDark ? "0, 0, 0" : "96, 66, 20";
  const depth = isDark ? 0.5 : 0.3;
  const drum = pen.createLinearGradient(0, EDGE, 0, EDGE + height);
  for (const [stop, alpha] of [[0, depth], [0.12, depth / 4], [0.28, 0], [0.72, 0], [0.88, depth / 4], [1, depth]]) {
    drum.addColorStop(stop, `rgba(${dark}, ${alpha})`);
  }
  pen.fillStyle = drum;
  pen.fillRect(left, EDGE, CELL.width, height);
}

function paintLine(pen, { lines, sinceS, isStill }, { line }) {
  const points = lines[line].map((row, place) => [
    EDGE + place * (CELL.width + GAP) + CELL.width / 2,
    EDGE + (row + 0.5) * CELL.height,
  ]);
  const colour = LINE_COLOURS[line % LINE_COLOURS.length];
  const [[x0, y0], [x1, y1]] = points;
  const [x2, y2] = points[2];
  const slope = (y1 - y0) / (x1 - x0);
  const out = CELL.width / 2 - 6;
  const path = new Path2D();
  path.moveTo(x0 - out, y0 - out * slope);
  points.forEach((point) => path.lineTo(...point));
  path.lineTo(x2 + out, y2 + out * ((y2 - y1) / (x2 - x1)));
  pen.save();
  pen.lineCap = pen.lineJoin = "round";
  // The line grows from the left. Symbols stay to be seen under it.
  const whole = 700;
  const share = isStill ? 1 : Math.min(sinceS / 0.4, 1);
  pen.setLineDash([whole * share, whole]);
  pen.globalAlpha = 0.35;
  pen.strokeStyle = colour;
  pen.lineWidth = 14;
  pen.stroke(path);
  pen.globalAlpha = 0.95;
  pen.lineWidth = 5;
  pen.stroke(path);
  pen.globalAlpha = 0.9;
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 1.6;
  pen.stroke(path);
  pen.restore();
}
