// The test player: play money, bonus money, and frozen or not.

import { at, chip, make, say } from "./dom.js";
import { isZero, shown } from "./money.js";

const KEPT = "consumer.sandbox.player";
const BONUS = "100.00";
const VENDOR = "sandbox";

export class PlayerCard {
  #ask;
  #changed;
  #brand = "";
  #playMoney = {};
  #player = null;
  #isFrozen = false;

  /**
   * @param ask Asks the server with the key.
   * @param changed Is called with the player, or with null: their `id` and their `currency`.
   */
  constructor(ask, changed) {
    this.#ask = ask;
    this.#changed = changed;
    at("player-new").addEventListener("click", () => this.#do(() => this.#makeNew()));
    at("player-bonus").addEventListener("click", () => this.#do(() => this.#giveBonus()));
    at("player-freeze").addEventListener("click", () => this.#do(() => this.#freeze()));
    at("player-look").addEventListener("click", () => this.look());
  }

  /** Show the player of this tab, if it is one of this brand. */
  async show({ brand, play_money: playMoney }) {
    this.#brand = brand;
    this.#playMoney = playMoney;
    const currencies = Object.keys(playMoney);
    at("currency").replaceChildren(...currencies.map((name) => make("option", { value: name }, name)));
    at("currency-field").hidden = currencies.length < 2;
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    this.#take(kept?.brand === brand ? kept : null);
    await this.look();
  }

  /** Read the player's money. */
  async look() {
    if (this.#player !== null) {
      await this.#do(async () => this.#paint(await this.#ask(this.#path())));
    }
  }

  async #do(action) {
    say(at("player-problem"), "");
    try {
      await action();
    } catch (error) {
      say(at("player-problem"), error.message);
      if (error.code === "PLAYER_NOT_FOUND") {
        this.#take(null);
      }
    }
  }

  async #makeNew() {
    const currency = at("currency").value;
    const amount = this.#playMoney[currency];
    const id = `tester-${randomName()}`;
    await this.#ask("v1/players", { method: "POST", body: { player_id: id, currency } });
    await this.#ask(`v1/players/${id}/deposits`, {
      method: "POST",
      body: { amount, currency, reference: `play-money-${id}`, vendor_id: VENDOR },
    });
    this.#take({ brand: this.#brand, id, currency });
    this.#paint(await this.#ask(this.#path()));
    say(at("player-told"), `${id} has ${shown(amount, currency)} of play money.`);
  }

  async #giveBonus() {
    const { id, currency } = this.#player;
    await this.#ask(this.#path("bonuses"), {
      method: "POST",
      body: { amount: this.#bonus, currency, reference: `bonus-${id}-${randomName()}` },
    });
    this.#paint(await this.#ask(this.#path()));
    say(at("player-told"), `${id} has got ${shown(this.#bonus, currency)} of bonus money.`);
  }

  async #freeze() {
    const verb = this.#isFrozen ? "unfreeze" : "freeze";
    this.#paint(await this.#ask(this.#path(verb), { method: "POST" }));
    say(at("player-told"), this.#isFrozen
      ? "The player is frozen. The wallet refuses bets, and still takes wins and rollbacks."
      : "The player is not frozen any more.");
  }

  /** The bonus with as many digits as the currency has. */
  get #bonus() {
    return this.#playMoney[this.#player.currency]?.includes(".") === false ? BONUS.split(".")[0] : BONUS;
  }

  #path(verb = "") {
    return `v1/players/${encodeURIComponent(this.#player.id)}${verb && `/${verb}`}`;
  }

  #take(player) {
    this.#player = player;
    if (player === null) {
      sessionStorage.removeItem(KEPT);
    } else {
      sessionStorage.setItem(KEPT, JSON.stringify(player));
    }
    at("player").hidden = player === null;
    at("player-empty").hidden = player !== null;
    for (const name of ["bonus", "freeze", "look"]) {
      at(`player-${name}`).hidden = player === null;
    }
    this.#changed(player);
  }

  #paint({ player_id: id, frozen, accounts }) {
    if (id !== this.#player?.id) {
      return; // an answer about the player before
    }
    this.#isFrozen = frozen;
    at("player-id").textContent = id;
    at("player-state").replaceChildren(frozen ? chip("warn", "frozen") : chip("good", "may play"));
    at("player-freeze").textContent = frozen ? "Unfreeze" : "Freeze";
    at("player-bonus").textContent = `Give ${shown(this.#bonus)} bonus money`;
    at("accounts").replaceChildren(...accounts.map(account));
  }
}

function account({ currency, balance, balance_real: real, balance_bonus: bonus, held }) {
  const parts = [`${shown(real)} real`, `${shown(bonus)} bonus`];
  if (!isZero(held)) {
    parts.push(`${shown(held)} held`);
  }
  return make(
    "div", {},
    make("dt", {}, `Balance in ${currency}`),
    make("dd", {}, shown(balance, currency)),
    make("dd", { class: "part" }, parts.join(", ")),
  );
}

function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(3));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
