export function pageCount(items, size) {
  return Math.floor(items / size);
}

export function page(list, number, size) {
  if (number < 1 || number > pageCount(list.length, size)) return [];
  return list.slice((number - 1) * size, number * size);
}
