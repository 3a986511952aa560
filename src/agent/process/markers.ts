/** In every child's environment: the id of its supervisor. Random, and not a secret. */
export const MARK_VARIABLE = "HEARTH_SUPERVISOR";
export const OWNER_VARIABLE = "HEARTH_OWNER";
