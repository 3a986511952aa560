// Set by build.mjs and vitest.config.ts; undefined in an unbundled run.
declare const __HEARTH_VERSION__: string | undefined;
declare const __HEARTH_BUILD__: string | undefined;

/** The version in package.json. */
export const VERSION = typeof __HEARTH_VERSION__ === "string" ? __HEARTH_VERSION__ : "0.0.0";
/** A hash of the sources (build-id.mjs): client and daemon are the same build if it is equal. */
export const BUILD = typeof __HEARTH_BUILD__ === "string" ? __HEARTH_BUILD__ : "unbundled";
/** Version of the HTTP contract, "major.minor": the same major number means compatible. */
export const PROTOCOL = "1.0";
