import type { PermissionMode } from "../../protocol/permission.ts";
import { type ThemeChoice, type ThemeName, themes } from "../theme.ts";

export const themeChoices: readonly ThemeChoice[] = ["auto", ...(Object.keys(themes) as ThemeName[])];

/** What a mode means, in a few words. */
export const modeMeanings: { readonly [M in PermissionMode]: string } = {
  ask: "reads allowed; asks before writes and commands",
  accept_edits: "edits in the workspace allowed; asks before commands",
  plan: "read only: no edits, only commands that read",
  yolo: "asks only before dangerous actions",
};
