// Short ways to make and to find elements.

export const at = (id) => document.getElementById(id);

/**
 * Make an element.
 *
 * @param tag The name of its tag.
 * @param attributes Its attributes. `class` is one of them. What is null or false is left out.
 * @param children Elements and texts.
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set a text, unless it is there: a screen reader would say it again. */
export function say(element, words) {
  if (element.textContent !== words) {
    element.textContent = words;
  }
  element.hidden = words === "";
}

/** Return a label with a colour. The text says the same as the colour. */
export function chip(kind, words) {
  return make("span", { class: `chip ${kind}` }, words);
}

/** Return a table in a box that scrolls. The keyboard can scroll it too. */
export function scrollBox(label, table) {
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
}

/** Return the head of a table. */
export function head(...names) {
  return make("thead", {}, make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name))));
}

/** Return a text for people who do not see the page. */
export function unseen(words) {
  return make("span", { class: "unseen" }, words);
}

/** Return a text in the type of code, whole. */
export function code(words) {
  return make("code", {}, words);
}

export const wantsStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
