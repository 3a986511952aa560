export function parseRow(row) {
  return row.split(",").map((field) => field.replace(/^"|"$/g, ""));
}
