// The page of the slot.

import { countUp } from "./count_up.js";
import { at } from "./dom.js";
import { isZero, shown } from "./money.js";
import { showPays } from "./pays.js";
import { Play } from "./play.js";
import { Reels } from "./reels.js";

const ROWS = ["Top", "Middle", "Bottom"];
const reels = new Reels(at("reels"));
let rules = null;

const scene = {
  show(state) {
    rules = { ...state.rules, currency: state.currency };
    reels.show(rules);
  },
  choose(stake) {
    if (stake !== null) {
      showPays(at("pays"), rules, stake);
    }
  },
  choice: () => ({}),
  begin() {
    at("reels").setAttribute("aria-label", "The reels are spinning");
    reels.spin();
  },
  stop: () => reels.stop().then(() => describe(null)),
  async end({ outcome, status, win, currency }) {
    await reels.stopOn(outcome.reels, status === "settled" ? outcome.lines : []);
    describe(outcome);
    if (status === "settled" && !isZero(win)) {
      await countUp(at("win"), win, currency);
    }
  },
  result({ outcome, currency }) {
    const lines = outcome?.lines ?? [];
    const words = lines.map(({ line, symbol, win }) => `line ${line + 1} with ${symbol} pays ${shown(win, currency)}`);
    return words.length > 0 ? `${sentence(words)}.` : "";
  },
};

/** Say what is on the reels, for people who do not see them. */
function describe(outcome) {
  const rows = outcome === null
    ? ["no result"]
    : ROWS.map((name, row) => `${name}: ${outcome.reels.map((column) => column[row]).join(", ")}`);
  at("reels").setAttribute("aria-label", `Reels. ${rows.join(". ")}`);
}

function sentence(words) {
  const whole = words.join(", ");
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}

new Play("slot", scene).look();
