import { z } from "zod";
import { SessionId } from "./ids.ts";

/** An agent's own list of the steps it plans. */
export const Plan = z.object({
  session_id: SessionId,
  entries: z.array(
    z.object({ content: z.string(), status: z.enum(["pending", "in_progress", "completed"]) }),
  ),
});
export type Plan = z.infer<typeof Plan>;
