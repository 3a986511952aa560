import { resolve } from "node:path";

/**
 * The daemon refuses relative paths that leave the workspace. So `../x` is requested by its absolute path, and the
 * results are shown in the form that was typed.
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
