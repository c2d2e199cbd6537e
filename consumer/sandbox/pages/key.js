// The access key: where the page gets it from, and how long it stays.

import { at } from "./dom.js";

const KEPT = "consumer.key"; // in the storage of this tab, if the person wants it. As on the page of live events

export class KeyEntry {
  #entered;

  /** @param entered Is called with a key that was entered. */
  constructor(entered) {
    this.#entered = entered;
    at("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#enter();
    });
    at("keep").addEventListener("change", () => this.#keep());
  }

  /** Begin with the key of the address or of the storage, if there is one. */
  begin() {
    const given = new URLSearchParams(location.hash.slice(1)).get("key");
    const kept = sessionStorage.getItem(KEPT);
    if (given) {
      // Else the key would stay in the history and in bookmarks.
      history.replaceState(null, "", location.pathname + location.search);
    }
    at("keep").checked = kept !== null;
    at("key").value = given || kept || "";
    if (at("key").value) {
      this.#enter();
    }
  }

  /** Forget the key. */
  forget() {
    sessionStorage.removeItem(KEPT);
    at("key").value = "";
    at("keep").checked = false;
    at("key").focus();
  }

  #enter() {
    this.#keep();
    this.#entered(at("key").value.trim());
  }

  #keep() {
    if (at("keep").checked && at("key").value) {
      sessionStorage.setItem(KEPT, at("key").value.trim());
    } else {
      sessionStorage.removeItem(KEPT);
    }
  }
}
