// The page of the dice.

import { Choice } from "./choice.js";
import { countUp } from "./count_up.js";
import { at } from "./dom.js";
import { isZero } from "./money.js";
import { Play } from "./play.js";
import { Roll } from "./roll.js";

const roll = new Roll();
const choice = new Choice((border, side) => roll.zone(border, side));
let sent = null;

const scene = {
  show: (state) => choice.rule(state.rules, state.currency),
  choose: (stake) => choice.stake(stake),
  choice() {
    sent = choice.sent;
    return sent;
  },
  begin() {
    at("die").setAttribute("aria-label", "The dice is rolling");
    roll.begin();
  },
  async stop() {
    await roll.stop();
    at("die").setAttribute("aria-label", "The dice. No result");
  },
  async end({ outcome, status, win, currency }) {
    await roll.end(outcome.rolled, outcome.won);
    at("die").setAttribute("aria-label", `The dice shows ${outcome.rolled}`);
    if (status === "settled" && !isZero(win)) {
      await countUp(at("win"), win, currency);
    }
  },
  result({ outcome }) {
    return outcome === null ? "" : `Rolled ${outcome.rolled}, wanted ${sent.side} ${outcome.target}.`;
  },
};

new Play("dice", scene).look();
