// Computes with amounts, which are decimal texts. A float would round them.

const IS_AMOUNT = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;

/** Return an amount in its smallest units, and its number of digits behind the point. */
export function read(text) {
  const [, sign, whole, rest = ""] = IS_AMOUNT.exec(text) ?? ["", "", "0"];
  const units = BigInt(whole + rest);
  return { units: sign ? -units : units, digits: rest.length };
}

/** Return the text of an amount. */
export function write(units, digits) {
  const sign = units < 0n ? "-" : "";
  const text = String(units < 0n ? -units : units).padStart(digits + 1, "0");
  return sign + (digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text);
}

/** Tell whether two amounts are equal: 1.5 and 1.50 are. */
export function same(one, other) {
  return scaled(one) === scaled(other);
}

export function isZero(text) {
  return read(text).units === 0n;
}

/** Return an amount times a fraction, rounded down. */
export function times(text, above, below = 1n) {
  const { units, digits } = read(text);
  return write((units * above) / below, digits);
}

/** Return the part of an amount that a count-up shows: from 0 to the whole. */
export function part(text, share) {
  const { units, digits } = read(text);
  return write((units * BigInt(Math.round(share * 1000))) / 1000n, digits);
}

/** Return an amount as the wallet writes it, with its currency. */
export function shown(text, currency = "") {
  return currency ? `${text} ${currency}` : text;
}

function scaled(text) {
  const { units, digits } = read(text);
  return units * 10n ** BigInt(18 - digits);
}
