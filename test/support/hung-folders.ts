import type { FolderGate } from "../../src/agent/files/folder-gate.ts";
import { HearthError } from "../../src/protocol/errors.ts";

/** A gate whose patience with one folder is at its end; all others answer. */
export const gateWithout = (hung: string): FolderGate => ({
  async enter(folder, work) {
    if (folder === hung)
      throw new HearthError("folder_unresponsive", `The folder ${folder} does not respond.`);
    return work();
  },
});
