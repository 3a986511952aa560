/** The scripted model that answers when no provider is found. */
export const DEMO_MODEL = "demo";
