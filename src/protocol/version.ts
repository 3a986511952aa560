// Replaced by build.mjs and vitest.config.ts; an unbundled run has neither.
declare const __HEARTH_VERSION__: string | undefined;
declare const __HEARTH_BUILD__: string | undefined;

/** The version in package.json. */
export const VERSION = typeof __HEARTH_VERSION__ === "string" ? __HEARTH_VERSION__ : "0.0.0";
/** A hash of the sources (build-id.mjs): client and daemon are the same hearth if it is equal. */
export const BUILD = typeof __HEARTH_BUILD__ === "string" ? __HEARTH_BUILD__ : "unbundled";
/** "major.minor" of the HTTP contract: a client and a daemon of one major number understand each other. */
export const PROTOCOL = "1.0";
