// The choices for a person, apart from their schemas, so that a client can show them without loading zod.
export const permissionModes = ["ask", "accept_edits", "plan", "yolo"] as const;
export const isolations = ["in_place", "worktree"] as const;
export const usageGroups = ["day", "session", "agent", "model"] as const;
