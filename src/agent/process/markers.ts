/** In every child's environment: which supervisor's it is. Random, worth nothing to whoever reads it. */
export const MARK_VARIABLE = "HEARTH_SUPERVISOR";
export const OWNER_VARIABLE = "HEARTH_OWNER";
