import { resolve } from "node:path";

/**
 * The daemon looks up no path that climbs out of a workspace (design A14). A person may still name what is above it:
 * `../x` is asked for by its absolute path, and what is found is shown as it was typed.
 */
export function askedFor(typed: string, root: string): { query: string; shown(found: string): string } {
  if (!/^\.\.(\/|$)/.test(typed)) return { query: typed, shown: (found) => found };
  const cut = typed.lastIndexOf("/") + 1;
  const folder = cut === 0 ? "../" : typed.slice(0, cut);
  const place = `${resolve(root, folder)}/`.replace(/^\/\/$/, "/");
  return {
    query: place + (cut === 0 ? "" : typed.slice(cut)),
    shown: (found) => (found.startsWith(place) ? folder + found.slice(place.length) : found),
  };
}
