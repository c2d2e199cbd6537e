// Reads JSON text without reading its numbers: JavaScript would round 12345678901234567890, and
// would show 12.30 as 12.3.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const DEPTH = { "{": 1, "[": 1, "}": -1, "]": -1 };

/** Return the members of a JSON object: for each name, the text of its value. */
export function members(text) {
  const found = new Map();
  let depth = 0;
  let name = null;
  let begin = 0;
  let last = "";
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    depth += DEPTH[token] ?? 0;
    if (depth === 1 && token === ":" && name === null) {
      name = JSON.parse(last);
      begin = index + 1;
    } else if (name !== null && ((depth === 1 && token === ",") || depth === 0)) {
      found.set(name, text.slice(begin, index).trim());
      name = null;
    }
    last = token;
  }
  return found;
}

/** Return the text of a value as people read it: a JSON text without its quotes. */
export function plain(text) {
  return text?.startsWith('"') ? JSON.parse(text) : (text ?? "");
}

/** Return JSON text with line breaks and indents. */
export function indented(text) {
  let depth = 0;
  let out = "";
  let last = "";
  for (const [token] of text.matchAll(TOKEN)) {
    const change = DEPTH[token] ?? 0;
    depth += change;
    const isEmpty = change < 0 && DEPTH[last] === 1;
    const startsLine = DEPTH[last] === 1 || last === "," || change < 0;
    if (startsLine && !isEmpty && last !== "") {
      out += `\n${"  ".repeat(depth - (change > 0 ? 1 : 0))}`;
    }
    out += token === ":" ? ": " : token;
    last = token;
  }
  return out;
}
