import type { PermissionMode } from "../protocol/permission.ts";
import { type ThemeChoice, type ThemeName, themes } from "./theme.ts";

export const themeChoices: readonly ThemeChoice[] = ["auto", ...(Object.keys(themes) as ThemeName[])];

/** What a mode means, in a few words. */
export const modeMeanings: { readonly [M in PermissionMode]: string } = {
  ask: "reads are free, writes and commands ask",
  accept_edits: "edits inside the workspace are free, commands ask",
  plan: "nothing is written, only commands that read run",
  yolo: "nothing asks but what could destroy the machine",
};
