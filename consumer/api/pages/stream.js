// The page that shows events live: its form, its buttons, and what it tells.

import { Connection } from "./connection.js";
import { Rows } from "./rows.js";

const KEPT = "consumer.key"; // in the storage of this tab, if the person wants it

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
let connection = null;

const rows = new Rows(at("rows"), (seenCount, rowsCount, waitingCount) => {
  at("empty").hidden = rowsCount > 0;
  const shown = seenCount > rowsCount && rowsCount > 0 ? `, the last ${rowsCount} shown` : "";
  const waiting = waitingCount > 0 ? `, ${number.format(waitingCount)} since the pause` : "";
  at("count").textContent = seenCount
    ? `${number.format(seenCount)} ${seenCount === 1 ? "event" : "events"}${waiting || shown}`
    : "";
});

const told = {
  event: (text) => rows.add(text),
  mark: (words, isGap) => rows.mark(words, isGap),
  problem(words) {
    if (at("problem").textContent !== words) { // else a screen reader would say it again
      at("problem").textContent = words;
    }
    at("problem").hidden = !words;
  },
  state(name, words) {
    at("state").dataset.state = name;
    if (at("state").textContent !== words) {
      at("state").textContent = words;
    }
    const isOn = name !== "idle";
    at("stop").disabled = at("pause").disabled = !isOn;
    at("start").textContent = isOn ? "Start again" : "Start";
    if (!isOn) {
      pause(false);
    }
  },
};

function pause(isPaused) {
  at("pause").setAttribute("aria-pressed", String(isPaused));
  at("pause").textContent = isPaused ? "Go on" : "Pause";
  rows.pause(isPaused);
}

function subjects() {
  const families = [...document.querySelectorAll(".families input:checked")].map((one) => one.value);
  return [...families, ...at("subjects").value.split(/[\s,]+/).filter(Boolean)];
}

function since() {
  const minutes = Number(at("begin").value);
  return minutes ? new Date(Date.now() - minutes * 60_000).toISOString() : "";
}

function keep(key) {
  if (at("keep").checked) {
    sessionStorage.setItem(KEPT, key);
  } else {
    sessionStorage.removeItem(KEPT);
  }
}

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = at("key").value.trim();
  keep(key);
  connection?.stop();
  told.problem("");
  const wanted = { subjects: subjects(), user: at("user").value.trim(), since: since() };
  connection = new Connection(key, wanted, at("way").value, told);
  connection.start();
});
at("stop").addEventListener("click", () => connection?.stop());
at("pause").addEventListener("click", () => pause(at("pause").getAttribute("aria-pressed") === "false"));
at("clear").addEventListener("click", () => rows.clear());
at("keep").addEventListener("change", () => keep(at("key").value.trim()));

const kept = sessionStorage.getItem(KEPT);
if (kept) {
  at("key").value = kept;
  at("keep").checked = true;
}
