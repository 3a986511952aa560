import type { Model } from "./models/model.ts";
/** Written below. */
export const createDemoModel = (): Model => {
  throw new Error("not written yet");
};
