/** How well a name matches the typed text: 0 is best; undefined for no match. */
function rankOf(name: string, typed: string): number | undefined {
  const lower = name.toLowerCase();
  const wanted = typed.toLowerCase();
  if (lower === wanted) return 0;
  if (lower.startsWith(wanted)) return 1;
  if (lower.includes(wanted)) return 2;
  return holdsInOrder(lower, wanted) ? 3 : undefined;
}

/** Whether `wanted` is a subsequence of `text`. Both are in lower case. */
function holdsInOrder(text: string, wanted: string): boolean {
  let from = 0;
  for (const letter of wanted) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}

/** The items that match, best first; equally good ones keep their order. */
export const matching = <T extends { name: string }>(all: readonly T[], typed: string): T[] =>
  all
    .flatMap((item) => {
      const rank = rankOf(item.name, typed);
      return rank === undefined ? [] : [{ item, rank }];
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);

/** Filters the files found for a shorter text: they are shown until the daemon answers for the longer one. */
export const stillMatching = (paths: readonly string[], typed: string): string[] => {
  const wanted = typed.toLowerCase().replace(/\s+/g, "");
  return paths.filter((path) => holdsInOrder(path.toLowerCase(), wanted));
};
