/** A count with its noun, for people and models: `1 line`, `2 lines`. */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${count} ${nounFor(count, noun, nouns)}`;

/** The noun alone, for a count that is written separately. */
export const nounFor = (count: number, noun: string, nouns = `${noun}s`): string =>
  count === 1 ? noun : nouns;
