export function parseRow(row) {
  const fields = [];
  let at = 0;
  for (;;) {
    let field = "";
    if (row[at] === '"') {
      at++;
      while (at < row.length && !(row[at] === '"' && row[at + 1] !== '"')) {
        if (row[at] === '"') at++;
        field += row[at++];
      }
      at++;
    } else while (at < row.length && row[at] !== ",") field += row[at++];
    fields.push(field);
    if (row[at] !== ",") return fields;
    at++;
  }
}
