// The switches: what goes wrong in the next rounds.

import { at, make } from "./dom.js";

export class Switches {
  #list;
  #boxes = [];

  /** @param list The element that gets the switches. */
  constructor(list) {
    this.#list = list;
    at("switches-off").addEventListener("click", () => this.#turnOff());
    this.#tell();
  }

  /** Show these faults. Those that were on stay on. */
  show(faults) {
    const on = this.names;
    this.#boxes = [];
    this.#list.replaceChildren(...faults.map((fault) => this.#switch(fault, on.includes(fault.name))));
    this.#tell();
  }

  /** The names of the faults that are on. */
  get names() {
    return this.#boxes.filter((box) => box.checked).map((box) => box.value);
  }

  #switch({ name, title, detail }, isOn) {
    const id = `switch-${name}`;
    const box = make("input", {
      type: "checkbox", id, value: name, role: "switch", class: "switch", "aria-describedby": `${id}-detail`,
    });
    box.checked = isOn;
    box.addEventListener("change", () => this.#tell());
    this.#boxes.push(box);
    return make(
      "li", {}, box,
      make("label", { for: id }, title),
      make("small", { id: `${id}-detail` }, detail),
    );
  }

  #turnOff() {
    for (const box of this.#boxes) {
      box.checked = false;
    }
    this.#tell();
  }

  #tell() {
    const count = this.names.length;
    const words = ["No switch is on.", "1 switch is on."][count] ?? `${count} switches are on.`;
    at("switch-count").textContent = words;
    at("switch-count").dataset.on = String(count > 0);
    at("switches-off").disabled = count === 0;
  }
}
