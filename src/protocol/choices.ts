// The words that a person chooses from, apart from their schemas: a client that shows them need not load zod.
export const permissionModes = ["ask", "accept_edits", "plan", "yolo"] as const;
export const isolations = ["in_place", "worktree"] as const;
export const usageGroups = ["day", "session", "agent", "model"] as const;
