/** `1 line`, `2 lines`: a count before its noun, wherever a person or a model reads one. */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${count} ${nounFor(count, noun, nouns)}`;

/** The noun alone, behind a count that is written in another way. */
export const nounFor = (count: number, noun: string, nouns = `${noun}s`): string =>
  count === 1 ? noun : nouns;
