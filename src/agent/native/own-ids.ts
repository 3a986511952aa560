/**
 * Gives each id once: what is taken gets the first free number from 2 on. The last number of each is remembered, as
 * a server that names every call alike would have all of them tried again for each call of a long conversation.
 */
export function createOwnIds(numbered: (id: string, n: number) => string) {
  const lastNumbers = new Map<string, number>();
  return {
    /** It is in use already. */
    take(id: string): void {
      if (!lastNumbers.has(id)) lastNumbers.set(id, 1);
    },
    give(wanted: string): string {
      let id = wanted;
      let n = lastNumbers.get(wanted);
      if (n !== undefined) {
        do id = numbered(wanted, ++n);
        while (lastNumbers.has(id));
        lastNumbers.set(wanted, n);
      }
      lastNumbers.set(id, 1);
      return id;
    },
  };
}
export type OwnIds = ReturnType<typeof createOwnIds>;
