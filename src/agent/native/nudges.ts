const nudgeText =
  "Your last answer was empty. If the task is done, say what you did; otherwise go on with it.";
const callLikeText =
  "Your last answer has a tool call written out as text, which runs nothing. Call the tool itself, by your interface for tools; if you are done, say so.";
const cutText =
  "Your last answer reached the limit of output tokens and was cut there. Go on exactly where it ends, without repeating anything.";
/** What the model is told after such an answer. */
export const nudges = { empty: nudgeText, call_like: callLikeText, cut: cutText } as const;
