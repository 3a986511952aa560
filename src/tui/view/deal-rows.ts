/** How many rows each part of the live region would take. */
export type WantedRows = {
  composer: number;
  completion: number;
  /** Of an open question, by the rows that are left for it. */
  question: ((room: number) => number) | undefined;
  notice: number;
  run: number;
  plan: number;
  queue: number;
  stream: number;
};

export type DealtRows = { readonly [Part in keyof WantedRows | "status"]: number };

/** So much of the list stands above a question, which needs the rest. */
const COMPLETION_BY_QUESTION_MAX = 3;

/**
 * Deals the live region's rows out among its parts: the prompt comes first, then the question (whoever answers sees
 * all the answers), the status, what went wrong, what runs, the plan, the lists; the stream's tail takes what is left.
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
  // Where nothing streams a blank row sets the prompt off from the scrollback.
  const stream = wanted.stream > 0 ? give(wanted.stream) : left > 4 ? give(1) : 0;
  return { composer, completion, question, status, notice, run, plan, queue, stream };
}
