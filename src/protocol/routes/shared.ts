import { z } from "zod";
import { errorCodes } from "../errors.ts";
import { ClientId, SessionId, WorkspaceId } from "../ids.ts";

/** One endpoint: its schemas, as `routes.ts` lists them. */
export type Route = {
  summary: string;
  /** Path parameters by name. */
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Reply schema by status; a stream has "stream" instead of a schema. */
  replies: Record<number, z.ZodType | "stream">;
};

export const route = <const R extends Route>(definition: R): R => definition;

/** Any request may name the client that makes it. */
export const by = { client_id: ClientId.optional() };

export const count = (fallback: number, max: number) =>
  z.coerce.number().int().min(1).max(max).default(fallback);

export const flag = z.enum(["true", "false", "1", "0"]).transform((text) => text === "true" || text === "1");

export const ofWorkspace = z.object({ wid: WorkspaceId });

export const ofSession = ofWorkspace.extend({ sid: SessionId });

export const byClient = z.object(by);

export const ErrorReply = z.object({
  error: z.object({
    code: z.enum(errorCodes),
    message: z.string(),
    details: z.record(z.string(), z.unknown()),
  }),
});
