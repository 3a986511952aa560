import { type Outcome, type TextRequest, workOut } from "../tools/text-change.ts";
import { type FileDiff, thoroughDiff } from "../tools/unified-diff.ts";

/** What a worker thread can be asked, and what it answers. */
export type Tasks = {
  change: { ask: TextRequest; answer: Outcome };
  diff: { ask: { before: string; after: string }; answer: FileDiff };
};
export type TaskName = keyof Tasks;

export const tasks: { [Name in TaskName]: (ask: Tasks[Name]["ask"]) => Tasks[Name]["answer"] } = {
  change: workOut,
  diff: ({ before, after }) => thoroughDiff(before, after),
};
