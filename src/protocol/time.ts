import { z } from "zod";

/** ISO 8601, UTC, milliseconds. Times are for people: order comes from sequence numbers. */
export const Time = z.iso.datetime({ precision: 3 });
export type Time = z.infer<typeof Time>;
