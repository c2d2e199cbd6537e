// Says in words how a round has ended.

import { isZero, shown } from "./money.js";

/**
 * Return how a round has ended, for the player.
 *
 * @param played The round.
 * @param result What the game says of its outcome, or an empty text.
 */
export function ended(played, result) {
  const balance = `Balance ${shown(played.balance, played.currency)}.`;
  return [...sentences(played, result), balance].filter(Boolean).join(" ");
}

function sentences(played, result) {
  const why = played.why_text ? `${capital(played.why_text)}${played.why ? ` (${played.why})` : ""}.` : "";
  switch (played.status) {
    case "settled":
      return [
        result,
        isZero(played.win) ? "You won nothing." : `You won ${shown(played.win, played.currency)}.`,
      ];
    case "refused":
      return ["The wallet refused the round.", why];
    case "rolled_back":
      return ["The round was rolled back. The stake is yours again.", why];
    default:
      return ["The wallet has not answered yet. The game goes on trying without this page.", why];
  }
}

/**
 * Return what is wrong when there is no round.
 *
 * @param error What `ask` has thrown.
 * @param mayBePlayed True if the round may have been played all the same.
 */
export function failed(error, mayBePlayed = false) {
  if (error.code === "SESSION_NOT_FOUND") {
    return "This session is not known. It has ended, or the address is not whole. Begin a new session in the lobby.";
  }
  return `${error.message}${mayBePlayed ? " Nobody knows whether the round was played." : ""}`;
}

function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
