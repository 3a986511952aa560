import { randomHex } from "./random.ts";

const LABEL_MAX = 64;

/** A name for one client of the daemon, made once per process. It begins with what people call it. */
export const newClientId = (label: string): string =>
  `${label.replace(/\p{Cc}/gu, "").slice(0, LABEL_MAX)}-${randomHex(8)}`;

/** What a client is called that may be gone by now; undefined where its name does not say. */
export const labelInClientId = (id: string): string | undefined => /^(.+)-[0-9a-f]{16}$/.exec(id)?.[1];
