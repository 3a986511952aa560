/** How well a name fits what was typed: 0 is best; undefined where it does not. */
function rankOf(name: string, typed: string): number | undefined {
  const lower = name.toLowerCase();
  const wanted = typed.toLowerCase();
  if (lower === wanted) return 0;
  if (lower.startsWith(wanted)) return 1;
  if (lower.includes(wanted)) return 2;
  return holdsInOrder(lower, wanted) ? 3 : undefined;
}

/** Whether the letters of `wanted` stand in `text` in this order, with anything between them; both in lower case. */
function holdsInOrder(text: string, wanted: string): boolean {
  let from = 0;
  for (const letter of wanted) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}

/** Those that fit, best first; equally good ones stay in their order. */
export const matching = <T extends { name: string }>(all: readonly T[], typed: string): T[] =>
  all
    .flatMap((item) => {
      const rank = rankOf(item.name, typed);
      return rank === undefined ? [] : [{ item, rank }];
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);

/** Files found for the beginning of what is typed by now that still fit it: shown until the daemon has answered. */
export const stillMatching = (paths: readonly string[], typed: string): string[] => {
  const wanted = typed.toLowerCase().replace(/\s+/g, "");
  return paths.filter((path) => holdsInOrder(path.toLowerCase(), wanted));
};
