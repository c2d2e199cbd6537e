// Lets an amount grow from nothing to its whole.

import { wantsStillness } from "./dom.js";
import { isZero, part, shown } from "./money.js";

const LASTS_MS = 900;

/** Show an amount that grows. The promise is fulfilled when it is whole. */
export function countUp(element, amount, currency) {
  const whole = shown(amount, currency);
  if (wantsStillness() || isZero(amount)) {
    element.textContent = whole;
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const beganMs = performance.now();
    let frame = 0;
    const step = (nowMs) => {
      const share = Math.max(0, Math.min((nowMs - beganMs) / LASTS_MS, 1));
      element.textContent = shown(part(amount, 1 - (1 - share) ** 3), currency);
      frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    // Not the last frame: a page that is hidden draws none, and must end all the same.
    setTimeout(() => {
      cancelAnimationFrame(frame);
      element.textContent = whole;
      resolve();
    }, LASTS_MS);
  });
}
