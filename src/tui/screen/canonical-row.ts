/** Which parameter ends an attribute, by the one that starts it. */
const attributes: Readonly<Record<string, string>> = {
  "1": "22",
  "2": "22",
  "3": "23",
  "4": "24",
  "5": "25",
  "7": "27",
  "8": "28",
  "9": "29",
};
const sequence = /\x1b\[([0-9;:]*)m|\x1b\]8;([^\x07\x1b]*)(?:\x07|\x1b\\)/g;
const LINK_END = "\x1b]8;;\x07";

type Style = { on: readonly string[]; foreground: string; background: string };
const plain: Style = { on: [], foreground: "", background: "" };

/**
 * A row in the one form in which equal pictures are equal strings: styles are written where they change, in one
 * order, and the row ends unstyled. Ink paints with other sequences than our own renderer does; compared by their
 * bytes, a row that goes from the frame to the scrollback would seem to change.
 */
export function canonicalRow(row: string): string {
  if (!row.includes("\x1b")) return row.trimEnd();
  let out = "";
  let written = "";
  let style = plain;
  let link = "";
  let writtenLink = "";
  const put = (text: string) => {
    if (text === "") return;
    if (link !== writtenLink) {
      out += link === "" ? LINK_END : `\x1b]8;${link}\x07`;
      writtenLink = link;
    }
    const wanted = parametersOf(style);
    if (wanted !== written) {
      out += wanted === "" ? "\x1b[m" : written === "" ? `\x1b[${wanted}m` : `\x1b[0;${wanted}m`;
      written = wanted;
    }
    out += text;
  };
  let end = 0;
  for (const match of row.matchAll(sequence)) {
    put(row.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[2] !== undefined) link = match[2] === ";" ? "" : match[2];
    else style = applied(style, match[1] ?? "");
  }
  put(row.slice(end));
  if (writtenLink !== "") out += LINK_END;
  if (written !== "") return `${out}\x1b[m`;
  return writtenLink === "" ? out.trimEnd() : out;
}

const parametersOf = ({ on, foreground, background }: Style): string =>
  [...on, foreground, background].filter((parameter) => parameter !== "").join(";");

function applied(style: Style, parameters: string): Style {
  let { on, foreground, background } = style;
  const fields = parameters.split(";");
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] ?? "";
    const code = Number(field);
    if (field === "" || code === 0) ({ on, foreground, background } = plain);
    else if (code === 38 || code === 48) {
      const length = fields[index + 1] === "2" ? 5 : 3;
      const color = fields.slice(index, index + length).join(";");
      if (code === 38) foreground = color;
      else background = color;
      index += length - 1;
    } else if (code === 39) foreground = "";
    else if (code === 49) background = "";
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) foreground = field;
    else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) background = field;
    else if (attributes[field] !== undefined) on = on.includes(field) ? on : [...on, field].sort();
    else on = on.filter((parameter) => attributes[parameter] !== field);
  }
  return { on, foreground, background };
}
