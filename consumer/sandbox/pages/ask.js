// Asks the server, and turns everything but success into words.

const WAIT_MAX_MS = 40_000; // longer than the slowest round

/** An answer that is no success, or no answer. */
export class Refused extends Error {
  /**
   * @param words What happened, for people.
   * @param status The status code. 0 if there was no answer.
   * @param code The code of the problem, or an empty text.
   */
  constructor(words, status = 0, code = "") {
    super(words);
    this.status = status;
    this.code = code;
  }

  /** Tell whether nobody knows if the request was carried out. */
  get isUnknown() {
    return this.status === 0 || this.status >= 500;
  }
}

/**
 * Ask for JSON.
 *
 * @param url The address, relative to the page.
 * @param key The access key, if the request needs one.
 * @param body What to send as JSON, if anything.
 * @param lines What to send as NDJSON, if anything.
 */
export async function ask(url, { method = "GET", key = "", body, lines } = {}) {
  const headers = { Accept: "application/json" };
  if (key) {
    headers.Authorization = `Bearer ${key}`;
  }
  if (lines !== undefined) {
    headers["Content-Type"] = "application/x-ndjson";
  } else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  const sent = lines ?? (body === undefined ? undefined : JSON.stringify(body));
  let answer;
  try {
    answer = await fetch(url, {
      method, headers, body: sent, cache: "no-store", credentials: "omit", redirect: "error",
      signal: AbortSignal.timeout(WAIT_MAX_MS),
    });
  } catch (error) {
    const isLate = error.name === "TimeoutError";
    throw new Refused(isLate ? "The server did not answer in time." : "The server cannot be reached.");
  }
  const found = await answer.json().catch(() => null);
  if (answer.ok && found !== null) {
    return found;
  }
  const { detail, code } = found ?? {};
  throw new Refused(words(answer.status, detail, answer.headers.get("Retry-After")), answer.status, code);
}

function words(status, detail, retryAfter) {
  const known = {
    200: "The answer was cut off",
    401: "The key is not accepted",
    402: "This was refused",
    403: "This is not allowed",
    404: "This is not known",
    409: "This was refused",
    422: "The request is wrong",
    429: "Too many requests",
    503: "The server is not ready",
  };
  const later = retryAfter && Number(retryAfter) ? ` Try again in ${Number(retryAfter)} s.` : "";
  return `${known[status] ?? `The server answered ${status}`}${detail ? `: ${detail}` : ""}.${later}`;
}
