/** Puts ** around each place where `words` stand in `text`. */
export function highlight(words, text) {
  if (words === "") return text;
  const literal = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replace(new RegExp(literal, "gi"), (found) => `**${found}**`);
}
