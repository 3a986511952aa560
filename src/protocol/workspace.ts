import { z } from "zod";
import { ClientId, SessionId, WorkspaceId } from "./ids.ts";
import { Time } from "./time.ts";

export const Workspace = z.object({
  id: WorkspaceId,
  /** The real directory, symlinks resolved. */
  path: z.string(),
  state: z.enum(["open", "closing", "closed"]),
  created_at: Time,
  /** The git branch checked out, where there is one. */
  branch: z.string().nullable(),
  /** What keeps everything here from going on, a sentence for a person; absent where nothing does. */
  trouble: z.string().optional(),
});
export type Workspace = z.infer<typeof Workspace>;

export const ClientKind = z.enum(["tui", "headless", "editor", "other"]);
/** As a client says it: one that is a kind of its own is as welcome. */
export const ClientKindSaid = z
  .string()
  .max(64)
  .transform((said) => ClientKind.safeParse(said).data ?? "other")
  .describe("tui, headless or editor; anything else counts as other");
export type ClientKind = z.infer<typeof ClientKind>;

/** One attached event stream. */
export const Client = z.object({
  id: ClientId,
  kind: ClientKind,
  /** For people: a tty, a host. */
  label: z.string(),
  attached_at: Time,
  /** The session it shows, null while that is none; absent where a client does not say. */
  session_id: SessionId.nullable().optional(),
});
export type Client = z.infer<typeof Client>;

/** A client's environment: flat, strings only. */
export const Environment = z.record(z.string(), z.string());
export type Environment = z.infer<typeof Environment>;
