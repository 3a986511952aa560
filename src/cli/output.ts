/** One of the process's two outputs. Once nobody reads it, it takes everything and does nothing. */
export type Output = {
  isTerminal(): boolean;
  /** Resolves when more may be written: a slow reader slows the writer. */
  write(text: string): Promise<void>;
  line(text?: string): Promise<void>;
  /** Resolves when everything is with the operating system. */
  flush(): Promise<void>;
};

/** `open` is called at the first use: a stream that is not needed is not made. */
export function createOutput(open: () => NodeJS.WriteStream, onClosed: () => void): Output {
  let opened: NodeJS.WriteStream | undefined;
  let isClosed = false;

  const stream = (): NodeJS.WriteStream => {
    opened ??= open().on("error", () => {
      // EPIPE: the reader has gone (`| head`). There is nobody left to tell.
      isClosed = true;
      onClosed();
    });
    return opened;
  };
  const write = async (text: string): Promise<void> => {
    if (text === "" || isClosed || stream().write(text)) return;
    await new Promise<void>((resolve) => {
      const go = () => {
        stream().off("drain", go).off("close", go).off("error", go);
        resolve();
      };
      stream().once("drain", go).once("close", go).once("error", go);
    });
  };
  return {
    isTerminal: () => stream().isTTY === true,
    write,
    line: (text = "") => write(`${text}\n`),
    flush: () =>
      new Promise((resolve) => {
        if (opened === undefined || isClosed || opened.writableLength === 0) return resolve();
        opened.write("", () => resolve());
      }),
  };
}
