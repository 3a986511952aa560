/** The model that answers, from a script, where no provider is found. */
export const DEMO_MODEL = "demo";
