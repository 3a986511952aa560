import { z } from "zod";
import { PermissionMode } from "../../protocol/permission.ts";
import type { SessionContext } from "../backend.ts";

/** What a conversation told its models beyond the transcript, as it is kept over a restart. */
const Kept = z.object({
  version: z.literal(1),
  root: z.string(),
  opening: z.string(),
  /** The mode and the day as they were told last. */
  told: z.object({ mode: PermissionMode, day: z.string() }),
  /** By message. */
  notes: z.array(
    z.tuple([z.string(), z.object({ before: z.string().optional(), after: z.string().optional() })]),
  ),
  /** Folders whose instructions were told, or that have none. */
  folders: z.array(z.string()),
  /** Files that were refused, by part. */
  left_out: z.array(z.string()),
});
export type Kept = z.infer<typeof Kept>;

/** Undefined where nothing was kept, and for another root: what was told of the old one is not so there. */
export function readKept({ kept, root }: Pick<SessionContext, "kept" | "root">): Kept | undefined {
  const text = kept?.read() ?? null;
  if (text === null) return undefined;
  try {
    const { data } = Kept.safeParse(JSON.parse(text));
    return data?.root === root ? data : undefined;
  } catch {
    return undefined; // written by another version: the conversation is opened anew
  }
}
