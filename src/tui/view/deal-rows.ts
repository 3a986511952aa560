/** The rows that each part of the live region needs. */
export type WantedRows = {
  composer: number;
  completion: number;
  /** The rows that an open question needs, given the rows that are left. */
  question: ((room: number) => number) | undefined;
  notice: number;
  run: number;
  plan: number;
  queue: number;
  stream: number;
};

export type DealtRows = { readonly [Part in keyof WantedRows | "status"]: number };

/** The most rows of the completion list above a question. */
const COMPLETION_BY_QUESTION_MAX = 3;

/**
 * Divides the live region's rows among its parts: the prompt first, then the question (all answers must be visible),
 * the status line, the notice, the run line, the plan, the lists. The stream's end gets the rest.
 */
export function dealRows(rowsMax: number, wanted: WantedRows): DealtRows {
  let left = rowsMax;
  const give = (rows: number): number => {
    const given = Math.max(0, Math.min(left, rows));
    left -= given;
    return given;
  };
  const isAsked = wanted.question !== undefined;
  const composer = give(wanted.composer);
  const beside = isAsked ? give(Math.min(wanted.completion, COMPLETION_BY_QUESTION_MAX)) : 0;
  const question = give(wanted.question?.(left) ?? 0);
  const status = left >= 2 ? give(1) : 0;
  const notice = give(wanted.notice);
  const run = left >= 2 ? give(wanted.run) : 0;
  const plan = left >= 3 ? give(wanted.plan) : 0;
  const completion = isAsked ? beside : give(wanted.completion);
  const queue = give(wanted.queue);
  // If nothing is streaming, a blank row separates the prompt from the scrollback.
  const stream = wanted.stream > 0 ? give(wanted.stream) : left > 4 ? give(1) : 0;
  return { composer, completion, question, status, notice, run, plan, queue, stream };
}
