/** Passes a running command's output to the screen, in pieces that a person can follow. */
export type ScreenFeed = {
  push(text: string): void;
  /** Nothing is passed on afterwards. `isOver`: the call's result follows at once with the whole output. */
  end(isOver: boolean): void;
};

const EVERY_MS = 100;
/** Of a longer piece only the end is shown: nobody could read more. */
const PIECE_CHARS_MAX = 4 * 1024;
/** The total, because every piece is stored and sent to every terminal. */
const CHARS_MAX = 256 * 1024;

export function createScreenFeed(onOutput: (text: string) => void): ScreenFeed {
  let waiting = "";
  let hasSkipped = false;
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    if (waiting === "" || sent > CHARS_MAX) return;
    const piece = hasSkipped ? `…\n${waiting.slice(waiting.indexOf("\n") + 1)}` : waiting;
    sent += piece.length;
    waiting = "";
    hasSkipped = false;
    onOutput(sent > CHARS_MAX ? `${piece}\n…\n` : piece);
  };
  return {
    push(text) {
      if (text === "" || sent > CHARS_MAX) return;
      waiting += text;
      if (waiting.length > PIECE_CHARS_MAX) {
        waiting = waiting.slice(-PIECE_CHARS_MAX);
        hasSkipped = true;
      }
      timer ??= setTimeout(flush, EVERY_MS);
    },
    end(isOver) {
      clearTimeout(timer);
      // Most commands end before their first piece, which the result would replace at once.
      if (!isOver || sent > 0) flush();
      sent = Number.POSITIVE_INFINITY; // ignore later output
    },
  };
}
