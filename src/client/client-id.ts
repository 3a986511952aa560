import { randomHex } from "./random.ts";

const LABEL_MAX = 64;

/** A new id for a client of the daemon, one per process. It begins with a label for people. */
export const newClientId = (label: string): string =>
  `${label.replace(/\p{Cc}/gu, "").slice(0, LABEL_MAX)}-${randomHex(8)}`;

/** The label in a client's id, also of a client that is gone; undefined if it has none. */
export const labelInClientId = (id: string): string | undefined => /^(.+)-[0-9a-f]{16}$/.exec(id)?.[1];
