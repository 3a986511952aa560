export function fetchUser(id) {
  return { id, name: `user ${id}` };
}
