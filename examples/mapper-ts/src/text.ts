// Blanks, words, days and names.

const BLANK = /[ \t\n\r]/;

export function trim(text: string): string {
  return text.replace(/^[ \t\n\r]+/, "").replace(/[ \t\n\r]+$/, "");
}

export function firstWord(text: string): string {
  return trim(text).split(BLANK, 1)[0] ?? "";
}

/** What follows the first word. */
export function rest(text: string): string {
  return trim(trim(text).slice(firstWord(text).length));
}

/** Whether it is a day of the Gregorian calendar, from year 1 on. */
export function isDay(year: number, month: number, day: number): boolean {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return year >= 1 && days !== undefined && day >= 1 && day <= days;
}

/** A name without what does not count: the case of ASCII letters, and underscores. */
export function folded(name: string): string {
  return name.replaceAll("_", "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
