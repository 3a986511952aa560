import { createContext } from "react";
import type { Looks } from "../text/looks.ts";

const plain: Looks = {
  of: () => ({}),
  runs: (line) => line.map(({ text }) => ({ text, look: {}, href: undefined })),
};

/** The theme on this terminal: what each style looks like. */
export const LooksContext = createContext(plain);
