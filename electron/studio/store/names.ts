/** Controls of a terminal, ends of lines, and what turns the direction of writing: of a name, and of all that stands beside it. */
const disturbing = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** A run's name or tag as it is kept: on one line, in any script, and without what would disturb the text around it. */
export const plainName = (name: string): string => name.replace(disturbing, ' ').replace(/ {2,}/g, ' ').trim();
