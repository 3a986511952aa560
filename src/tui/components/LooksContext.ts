import { createContext } from "react";
import type { Looks } from "../text/looks.ts";

const plain: Looks = {
  of: () => ({}),
  runs: (line) => line.map(({ text }) => ({ text, look: {}, href: undefined })),
};

/** How each style of the theme looks on this terminal. */
export const LooksContext = createContext(plain);
