export const columns = ["id", "name", "age"];

function known(column) {
  if (!columns.includes(column)) throw new Error(`unknown column ${column}`);
  return column;
}

export function find(where, order) {
  const conditions = Object.keys(where).map((column) => `${known(column)} = ?`);
  const filter = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const sql = `SELECT * FROM users${filter}${order ? ` ORDER BY ${known(order)}` : ""}`;
  return { sql, values: Object.values(where) };
}
