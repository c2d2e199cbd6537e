// The games, and the sessions with which a player plays them.

import { art } from "./art.js";
import { at, make, say, unseen } from "./dom.js";
import { shown } from "./money.js";

const PROVIDER = "sandbox";

export class Games {
  #ask;
  #player = null;
  #names = new Map();

  /** @param ask Asks the server with the key. */
  constructor(ask) {
    this.#ask = ask;
  }

  /** Show these games. */
  show(games) {
    this.#names = new Map(games.map(({ game_id: id, name }) => [id, name]));
    at("games").replaceChildren(...games.map((game) => this.#card(game)));
    this.play(this.#player);
  }

  /** Take the player who plays. null means that there is none. */
  play(player) {
    if (player?.id !== this.#player?.id) {
      at("sessions").replaceChildren();
      at("sessions-part").hidden = true;
      say(at("sessions-told"), "");
    }
    this.#player = player;
    for (const button of at("games").querySelectorAll("button")) {
      button.disabled = player === null;
    }
  }

  #card({ game_id: id, name, about }) {
    const picture = make("canvas", { class: "art", "aria-hidden": "true" });
    const play = make("button", { type: "button", class: "first play" }, "Play", unseen(` ${name}`));
    const begin = make("button", { type: "button" }, "Begin a session", unseen(` of ${name}`));
    play.addEventListener("click", () => this.#do(async () => {
      location.assign((await this.#begin(id)).launch_url);
    }));
    begin.addEventListener("click", () => this.#do(async () => this.#list(id, await this.#begin(id))));
    art(picture, id);
    return make(
      "li", {}, picture,
      make("div", { class: "about" }, make("h3", {}, name), make("p", {}, about), make("div", { class: "buttons" }, play, begin)),
    );
  }

  async #do(action) {
    say(at("games-problem"), "");
    try {
      await action();
    } catch (error) {
      say(at("games-problem"), error.message);
    }
  }

  #begin(game) {
    const { id, currency } = this.#player;
    return this.#ask("v1/sessions", {
      method: "POST",
      body: { player_id: id, currency, game_id: game, provider: PROVIDER },
    });
  }

  #list(game, { session, expires, launch_url: url }) {
    const name = this.#names.get(game);
    const end = make("button", { type: "button", class: "small" }, "End", unseen(` the session of ${name}`));
    const item = make(
      "li", {},
      make("a", { href: url, target: "_blank", rel: "noopener" }, `Open ${name} in a new tab`),
      make("span", { class: "hint" }, `until ${new Date(expires).toLocaleString("en-GB")}`),
      end,
    );
    end.addEventListener("click", () => this.#do(async () => {
      const { net, currency } = await this.#ask(`v1/sessions/${encodeURIComponent(session)}`, { method: "DELETE" });
      item.remove();
      at("sessions-part").hidden = at("sessions").childElementCount === 0;
      say(at("sessions-told"), `The session of ${name} has ended. Wins less bets: ${shown(net, currency)}.`);
    }));
    at("sessions").prepend(item);
    at("sessions-part").hidden = false;
    say(at("sessions-told"), `A session of ${name} has begun.`);
  }
}
