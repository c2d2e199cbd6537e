// The lobby: a key, a test player, the games, and events of a brand.

import { ask } from "./ask.js";
import { at, chip, say } from "./dom.js";
import { Games } from "./games.js";
import { Generator } from "./generator.js";
import { KeyEntry } from "./key.js";
import { PlayerCard } from "./player.js";

let key = "";
let turn = 0;

/** Ask with the key. */
const asked = (url, options = {}) => ask(url, { ...options, key });

const games = new Games(asked);
const player = new PlayerCard(asked, (found) => games.play(found));
const generator = new Generator(asked);
const entry = new KeyEntry(enter);

async function enter(text) {
  key = text;
  const mine = (turn += 1);
  say(at("key-problem"), "");
  try {
    const me = await asked("sandbox/me");
    if (mine === turn) {
      show(me);
    }
  } catch (error) {
    if (mine === turn) {
      say(at("key-problem"), error.message);
    }
  }
}

function show(me) {
  at("brand").textContent = me.brand;
  at("scopes").replaceChildren(chip("info", `${me.environment} key`), ...me.scopes.map((scope) => chip("", scope)));
  at("stream-link").href = me.pages.stream;
  at("api-link").href = me.pages.api;
  at("sign-in").hidden = true;
  at("who").hidden = false;
  at("inside").hidden = false;
  games.show(me.games);
  generator.show(me.message_types);
  player.show(me);
}

at("leave").addEventListener("click", () => {
  key = "";
  turn += 1;
  at("sign-in").hidden = false;
  at("who").hidden = true;
  at("inside").hidden = true;
  entry.forget();
});
addEventListener("hashchange", () => entry.begin());
// A player who comes back from a game has other money.
document.addEventListener("visibilitychange", () => {
  if (key && !document.hidden && !at("inside").hidden) {
    player.look();
  }
});
entry.begin();
