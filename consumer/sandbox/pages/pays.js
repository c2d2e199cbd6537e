// What pays: a table of the symbols, and pictures of the lines.

import { head, make } from "./dom.js";
import { shown, times } from "./money.js";
import { picture } from "./symbols.js";

const SVG = "http://www.w3.org/2000/svg";
const PICTURE_PX = 72;

/** Show what pays with a stake. */
export function showPays(element, { symbols, pays, lines, currency }, stake) {
  const rows = [...symbols].reverse().map((name) => make(
    "tr", {},
    make("th", { scope: "row" }, small(name), name),
    make("td", { class: "number" }, `${pays[name]} ×`),
    make("td", { class: "number" }, shown(times(stake, BigInt(pays[name]), BigInt(lines.length)), currency)),
  ));
  element.replaceChildren(
    make(
      "table", {},
      head("Three of", "Times the stake of the line", `With a stake of ${shown(stake)}`),
      make("tbody", {}, ...rows),
    ),
    make("ol", { class: "lines", "aria-label": "Lines" }, ...lines.map((line, place) => make(
      "li", {}, drawn(line), make("span", {}, `Line ${place + 1}`),
    ))),
  );
}

function small(name) {
  const canvas = picture(name, PICTURE_PX);
  canvas.className = "symbol";
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

function drawn(rows) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 36 36");
  svg.setAttribute("aria-hidden", "true");
  for (let place = 0; place < 9; place += 1) {
    const column = place % 3;
    const row = Math.floor(place / 3);
    const cell = document.createElementNS(SVG, "rect");
    const attributes = { x: column * 12 + 1, y: row * 12 + 1, width: 10, height: 10, rx: 2 };
    Object.entries(attributes).forEach(([name, value]) => cell.setAttribute(name, value));
    cell.setAttribute("class", rows[column] === row ? "on" : "off");
    svg.append(cell);
  }
  return svg;
}
