/** What was switched on and not off again, by the sequences that were written. */
export function modesLeftOn(written: string): string[] {
  const left: string[] = [];
  for (const mode of ["2004", "1004", "1049", "2026"]) {
    if (written.lastIndexOf(`\x1b[?${mode}h`) > written.lastIndexOf(`\x1b[?${mode}l`)) left.push(mode);
  }
  if (written.lastIndexOf("\x1b[>1u") > written.lastIndexOf("\x1b[<u")) left.push("kitty");
  if (written.lastIndexOf("\x1b[>4;1m") > written.lastIndexOf("\x1b[>4m")) left.push("modifyOtherKeys");
  if (written.lastIndexOf("\x1b[?25l") > written.lastIndexOf("\x1b[?25h")) left.push("hidden cursor");
  if (written.lastIndexOf("\x1b[22;2t") > written.lastIndexOf("\x1b[23;2t")) left.push("title");
  return left;
}
