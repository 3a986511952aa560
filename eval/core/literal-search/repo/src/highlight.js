/** Puts ** around each place where `words` stand in `text`. */
export function highlight(words, text) {
  return text.replace(new RegExp(words, "g"), `**${words}**`);
}
