export const columns = ["id", "name", "age"];

export function find(where, order) {
  const conditions = Object.entries(where).map(([column, value]) => `${column} = '${value}'`);
  const filter = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  return `SELECT * FROM users${filter}${order ? ` ORDER BY ${order}` : ""}`;
}
