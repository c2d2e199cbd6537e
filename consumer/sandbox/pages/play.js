// Plays rounds: what the slot and the dice have in common.

import { ask } from "./ask.js";
import { Books } from "./books.js";
import { at, make, say } from "./dom.js";
import { Journal } from "./journal.js";
import { shown } from "./money.js";
import { Switches } from "./switches.js";
import { ended, failed } from "./words.js";

export class Play {
  #scene;
  #game;
  #brand;
  #session;
  #place;
  #currency = "";
  #balance = "";
  #isPlaying = false;
  #switches;
  #journal;
  #books;

  /**
   * @param game `slot` or `dice`.
   * @param scene What moves on the page. `show(state)` gets the rules, `choose(stake)` the stake,
   *   and `choice()` returns the player's choice. `begin()` begins to move, `end(played)` ends with
   *   an outcome, and `stop()` without one. The last two return a promise. `result(played)` says
   *   the outcome in words.
   */
  constructor(game, scene) {
    this.#game = game;
    this.#scene = scene;
    const query = new URLSearchParams(location.search);
    this.#brand = query.get("brand") ?? "";
    this.#session = query.get("session") ?? "";
    this.#place = new URLSearchParams({ brand: this.#brand, session: this.#session });
    this.#switches = new Switches(at("switches"));
    this.#journal = new Journal(at("journal"), at("journal-empty"));
    this.#books = new Books(this.#place, (books) => this.#split(books));
    at("play").addEventListener("submit", (event) => {
      event.preventDefault();
      this.play();
    });
    at("again").addEventListener("click", () => this.#lookAgain());
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Read the state and the books. */
  async look() {
    if (!this.#session) {
      this.#fail("The address has no session. Begin one in the lobby.", { inLobby: true });
      return;
    }
    try {
      const state = await ask(`${this.#game}/state?${this.#place}`);
      this.#clear();
      this.#show(state);
      await this.#books.look();
    } catch (error) {
      this.#fail(failed(error), { again: error.status !== 404, inLobby: error.status === 404 });
    }
  }

  async #lookAgain() {
    await this.look();
    if (at("problem").hidden) {
      at("go").focus(); // the button that had the focus has gone
      say(at("told"), "Looked again. The ledger's part of this page shows what is booked.");
    }
  }

  async play() {
    if (this.#isPlaying || this.#stake === null) {
      return;
    }
    this.#hold(true);
    this.#clear();
    say(at("told"), "Waiting for the wallet.");
    this.#win("");
    at("stage").scrollIntoView({ block: "nearest" });
    this.#scene.begin();
    let played = null;
    try {
      played = await ask(`${this.#game}/rounds`, {
        method: "POST",
        body: {
          brand: this.#brand, session: this.#session, stake: this.#stake,
          choice: this.#scene.choice(), faults: this.#switches.names,
        },
      });
    } catch (error) {
      await this.#scene.stop();
      say(at("told"), "There is no result.");
      const mayBePlayed = error.isUnknown;
      this.#fail(failed(error, mayBePlayed), { again: mayBePlayed, inLobby: error.status === 404 });
    }
    if (played !== null) {
      await this.#ended(played);
    }
    this.#hold(false);
    await this.#books.look();
  }

  get #stake() {
    return at("stakes").querySelector("input:checked")?.value ?? null;
  }

  async #ended(played) {
    if (played.outcome === null) {
      await this.#scene.stop();
    } else {
      await this.#scene.end(played);
    }
    this.#paint(played.balance);
    this.#win(played.status === "settled" ? played.win : "");
    say(at("told"), ended(played, this.#scene.result(played)));
    at("told").dataset.status = played.status;
    at("again").hidden = played.status !== "open";
    at("lobby").hidden = !["SESSION_NOT_FOUND", "SESSION_EXPIRED"].includes(played.why);
    this.#journal.add(played);
    this.#books.note(played.balance, played);
  }

  #show(state) {
    delete document.body.dataset.empty;
    document.title = `${state.name} – sandbox`;
    at("name").textContent = state.name;
    this.#currency = state.currency;
    this.#paint(state.balance);
    this.#split(state);
    this.#books.note(state.balance, null);
    if (at("stakes").childElementCount === 0) {
      this.#offer(state.stakes);
    }
    this.#switches.show(state.faults);
    this.#scene.show(state);
    this.#scene.choose(this.#stake);
    this.#hold(false);
  }

  #offer(stakes) {
    const usual = stakes[Math.min(1, stakes.length - 1)];
    at("stakes").append(...stakes.map((stake, place) => {
      const id = `stake-${place}`;
      const box = make("input", { type: "radio", name: "stake", id, value: stake });
      box.checked = stake === usual;
      box.addEventListener("change", () => this.#scene.choose(stake));
      return make("span", {}, box, make("label", { for: id }, shown(stake)));
    }));
  }

  #paint(balance) {
    if (this.#balance !== balance) {
      at("parts").textContent = ""; // a round does not say how much of it is bonus; the books do
    }
    this.#balance = balance;
    at("balance").textContent = shown(balance, this.#currency);
  }

  /** Say how much of the balance is real money and bonus money, if these are the parts of it. */
  #split({ balance, balance_real: real, balance_bonus: bonus }) {
    if (balance === this.#balance && real !== undefined) {
      at("parts").textContent = `${shown(real)} real, ${shown(bonus)} bonus`;
    }
  }

  #win(amount) {
    at("win").textContent = amount ? shown(amount, this.#currency) : "–";
  }

  #hold(isPlaying) {
    this.#isPlaying = isPlaying;
    // Not `disabled`: the button would lose the focus.
    at("go").setAttribute("aria-disabled", String(isPlaying || this.#stake === null));
    at("stage").dataset.state = isPlaying ? "playing" : "idle";
  }

  #clear() {
    say(at("problem-words"), "");
    at("problem").hidden = true;
    at("again").hidden = true;
    at("lobby").hidden = true;
    say(at("told"), "Ready.");
    delete at("told").dataset.status;
  }

  #fail(words, { again = false, inLobby = false } = {}) {
    // Without a state there is nothing to play, and nothing to show but what is wrong.
    document.body.dataset.empty = String(this.#balance === "");
    at("problem").hidden = false;
    say(at("problem-words"), words);
    at("again").hidden = !again;
    at("lobby").hidden = !inLobby;
  }

  #pressed(event) {
    const isOwn = event.target.closest("a, button, input, select, summary, [tabindex]");
    if (!isOwn && (event.key === " " || event.key === "Enter") && !event.repeat) {
      event.preventDefault();
      this.play();
    }
  }
}
