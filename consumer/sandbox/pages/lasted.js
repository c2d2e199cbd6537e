// A picture of when a call was sent, and how long it took, within its round.

import { make } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 100;

/** Return the times of a call, as text and as a bar. */
export function lasted({ at_ms: atMs, took_ms: tookMs }, wholeMs) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${WIDTH} 6`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const length = Math.max((tookMs / wholeMs) * WIDTH, 2);
  const begin = Math.min((atMs / wholeMs) * WIDTH, WIDTH - length);
  picture.append(bar("whole-time", 0, WIDTH), bar("own-time", begin, length));
  return make(
    "span", { class: "lasted" },
    make("span", {}, `at ${duration(atMs)}, took ${duration(tookMs)}`),
    picture,
  );
}

function bar(name, x, width) {
  const rectangle = document.createElementNS(SVG, "rect");
  const attributes = { class: name, x, width, y: 0, height: 6, rx: 1 };
  for (const [attribute, value] of Object.entries(attributes)) {
    rectangle.setAttribute(attribute, value);
  }
  return rectangle;
}

function duration(ms) {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(2)} s`;
}
