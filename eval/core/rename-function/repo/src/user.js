export function fetchUsr(id) {
  return { id, name: `user ${id}` };
}
